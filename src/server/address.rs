//! Where to listen.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use tokio::net::{TcpListener, TcpSocket};

/// Connections that the kernel completes before they are accepted; a burst of new ones must not be refused by it.
const BACKLOG: u32 = 4096;

/// What the kernel keeps of answers that a caller has not read, in bytes, twice over as it counts. By itself it would let that
/// grow to megabytes for each connection, and charge them to the memory limit of the container. Few answers are larger.
const UNREAD: u32 = 64 * 1024;

/// An address and a port, or a port on all interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// One address.
    One(SocketAddr),
    /// `:8443`: every interface, IPv6 and IPv4, whichever the machine has.
    Everywhere(u16),
}

impl ListenAddress {
    /// A port on the loopback interface; 0 takes a free one.
    #[must_use]
    pub const fn loopback(port: u16) -> Self {
        Self::One(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
    }

    const fn port(self) -> u16 {
        match self {
            Self::One(address) => address.port(),
            Self::Everywhere(port) => port,
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(address) => address.fmt(formatter),
            Self::Everywhere(port) => write!(formatter, ":{port}"),
        }
    }
}

/// The text is no address to listen on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected an address and a port such as 127.0.0.1:8443 or [::1]:8443, or a port on every interface such as :8443"
)]
pub struct BadAddress;

impl FromStr for ListenAddress {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(port) = text.strip_prefix(':') {
            return port.parse().map(Self::Everywhere).map_err(|_| BadAddress);
        }
        if let Some(port) = text.strip_prefix("localhost:") {
            return port.parse().map(Self::loopback).map_err(|_| BadAddress);
        }
        match text.parse() {
            // The same, as others write it: on a machine without IPv6 it still means every interface.
            Ok(SocketAddr::V6(address)) if address.ip().is_unspecified() => Ok(Self::Everywhere(address.port())),
            Ok(address) => Ok(Self::One(address)),
            Err(_) => Err(BadAddress),
        }
    }
}

/// Why an address cannot be listened on, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program has the port.
    #[error(
        "port {port} is in use: cannot listen on {address}. Stop what listens there, or choose another with {flag}"
    )]
    InUse {
        /// The port.
        port: u16,
        /// The address.
        address: ListenAddress,
        /// The flag that chose it.
        flag: &'static str,
    },
    /// Low ports are for the privileged.
    #[error("port {port} needs privileges that this process does not have. Choose one from 1024 with {flag}")]
    Privileged {
        /// The port.
        port: u16,
        /// The flag that chose it.
        flag: &'static str,
    },
    /// No interface has the address.
    #[error("no interface of this machine has the address of {address}. Choose one that has with {flag}")]
    NotOurs {
        /// The address.
        address: ListenAddress,
        /// The flag that chose it.
        flag: &'static str,
    },
    /// Anything else.
    #[error("cannot listen on {address} ({flag}): {source}")]
    Other {
        /// The address.
        address: ListenAddress,
        /// The flag that chose it.
        flag: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

/// Opens a listening socket. `flag` is named in the error.
pub(super) fn bind(address: ListenAddress, flag: &'static str) -> Result<TcpListener, BindError> {
    let result = match address {
        ListenAddress::One(address) => open(address),
        // A socket on `::` takes IPv4 too; some kernels have no IPv6 at all.
        ListenAddress::Everywhere(port) => match open((Ipv6Addr::UNSPECIFIED, port).into()) {
            Err(error)
                if error.kind() != io::ErrorKind::AddrInUse && error.kind() != io::ErrorKind::PermissionDenied =>
            {
                open((Ipv4Addr::UNSPECIFIED, port).into())
            }
            other => other,
        },
    };
    let port = address.port();
    result.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { port, address, flag },
        io::ErrorKind::PermissionDenied => BindError::Privileged { port, flag },
        io::ErrorKind::AddrNotAvailable => BindError::NotOurs { address, flag },
        _ => BindError::Other { address, flag, source },
    })
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart must not wait for the last connections of the process before it.
    socket.set_reuseaddr(true)?;
    // Connections have it from the socket that they were accepted on.
    socket.set_send_buffer_size(UNREAD)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use super::ListenAddress;

    #[test]
    fn reads_addresses_and_bare_ports() {
        for text in ["127.0.0.1:8443", "0.0.0.0:8443", "[::1]:8443", ":8080"] {
            assert_eq!(text.parse::<ListenAddress>().unwrap().to_string(), text);
        }
        assert_eq!("[::]:8443".parse(), Ok(ListenAddress::Everywhere(8443)));
        assert_eq!("localhost:0".parse(), Ok(ListenAddress::loopback(0)));
    }

    #[test]
    fn refuses_what_is_no_address() {
        for text in ["", "8443", "127.0.0.1", "webhook.example:8443", ":70000", "::1:8443x"] {
            assert!(text.parse::<ListenAddress>().is_err(), "{text}");
        }
    }
}
