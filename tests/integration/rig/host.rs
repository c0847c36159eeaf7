//! The machine that the rig runs on.

use std::io;
use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};

/// An address of this machine that is not a loopback one.
///
/// The API server must call the webhook there: to a loopback URL it speaks HTTP/2, which no webhook in a cluster ever sees.
pub(crate) fn host_address() -> IpAddr {
    route_source().unwrap_or_else(|error| {
        panic!(
            "the webhook must be called on a non-loopback address, and this machine has no route to anywhere: {error}"
        )
    })
}

/// Connecting a UDP socket sends nothing: it only makes the kernel choose the address that it would send from. The
/// destination is one of those reserved for documentation.
fn route_source() -> io::Result<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
    let address = socket.local_addr()?.ip();
    if address.is_loopback() || address.is_unspecified() {
        return Err(io::Error::other(format!("only {address}")));
    }
    Ok(address)
}

/// Different TCP ports that nobody listens on at this moment.
pub(crate) fn free_ports<const N: usize>() -> io::Result<[u16; N]> {
    let mut listeners = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        *port = listener.local_addr()?.port();
        // Held until all are chosen, so that none comes twice.
        listeners.push(listener);
    }
    Ok(ports)
}
