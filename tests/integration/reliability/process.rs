//! What the kernel knows of a process, read from `/proc`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// A running process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process(pub(super) u32);

/// What is behind a file descriptor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Descriptor {
    /// As `/proc` links it: a path, or `socket:[…]`, `pipe:[…]`, `anon_inode:…`.
    pub(super) target: String,
    pub(super) is_writable: bool,
}

impl Process {
    /// The most memory that was ever resident, in MiB.
    pub(super) fn most_resident_mib(self) -> u64 {
        self.status("VmHWM:") / 1024
    }

    /// The memory that is resident now, in MiB.
    pub(super) fn resident_mib(self) -> u64 {
        self.status("VmRSS:") / 1024
    }

    fn status(self, field: &str) -> u64 {
        let text = self.read("status");
        let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// The processor time that it has used so far.
    pub(super) fn processor_time(self) -> Duration {
        let text = self.read("stat");
        // The name, in parentheses, may hold spaces.
        let fields: Vec<&str> = text.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        // One hundred a second, whatever the kernel counts in.
        Duration::from_millis(ticks * 10)
    }

    /// Its open file descriptors.
    pub(super) fn descriptors(self) -> Vec<Descriptor> {
        let entries = fs::read_dir(self.path("fd")).unwrap();
        let mut descriptors: Vec<_> = entries
            .filter_map(|entry| {
                let name = entry.unwrap().file_name();
                // One that was closed meanwhile is none.
                let target = fs::read_link(self.path("fd").join(&name)).ok()?;
                let info = fs::read_to_string(self.path("fdinfo").join(&name)).ok()?;
                let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?.trim();
                let flags = u32::from_str_radix(flags, 8).unwrap();
                Some(Descriptor { target: target.to_string_lossy().into_owned(), is_writable: flags & 0o3 != 0 })
            })
            .collect();
        descriptors.sort();
        descriptors
    }

    /// The processes that it has started and that still run.
    pub(super) fn children(self) -> Vec<String> {
        let tasks = fs::read_dir(self.path("task")).unwrap();
        let children = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default());
        children.flat_map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
    }

    /// The remote ports of its TCP connections, those that listen not among them.
    pub(super) fn remote_ports(self) -> Vec<u16> {
        let sockets: Vec<String> = self.descriptors().into_iter().map(|descriptor| descriptor.target).collect();
        let mut ports = Vec::new();
        for table in ["net/tcp", "net/tcp6"] {
            // A kernel without IPv6 has no table for it.
            let text = fs::read_to_string(self.path(table)).unwrap_or_default();
            for line in text.lines().skip(1) {
                let fields: Vec<&str> = line.split_whitespace().collect();
                let (remote, state, inode) = (fields[2], fields[3], fields[9]);
                if state != "0A" && sockets.contains(&format!("socket:[{inode}]")) {
                    ports.push(u16::from_str_radix(remote.rsplit_once(':').unwrap().1, 16).unwrap());
                }
            }
        }
        ports.sort_unstable();
        ports
    }

    /// Sets its limit of file descriptors, as an operator could at any time.
    pub(super) fn limit_descriptors(self, limit: u64) {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let pid = Pid::from_raw(self.0.try_into().unwrap());
        let limits = Rlimit { current: Some(limit), maximum: Some(limit) };
        prlimit(pid, Resource::Nofile, limits).unwrap();
    }

    fn read(self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn path(self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}", self.0)).join(name)
    }
}

/// Lets this process open as many files as it may, for thousands of connections.
pub(super) fn open_many_files() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    maximum.unwrap_or(u64::MAX)
}

/// Makes a command run by a shell that does something first, such as lowering a limit; it becomes the command then.
pub(super) fn after(what: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!(r#"{what}; exec "$0" "$@""#)]).arg(command.get_program()).args(command.get_args());
    shell
}
