//! The memory that the container may use, and how much of it request bodies get.

use std::fs;
use std::path::Path;

/// What is there when nothing is in flight: the process, its connections, and an inventory.
const BASE: usize = 16 << 20;
/// How much memory a byte of a body takes while it is read: beside the body itself, what the connection still holds of it.
const WEIGHT: usize = 3;
/// Room for a few ordinary reviews, whatever the limit.
const LEAST: usize = 1 << 20;
/// Version 1 of control groups has no word for no limit, only a number beyond any machine.
const NO_LIMIT: usize = 1 << 50;

/// The memory limit of this process's control group, in bytes; `None` where there is none.
pub(super) fn limit() -> Option<usize> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    limit_of(&groups, Path::new("/sys/fs/cgroup"))
}

/// `groups` is what `/proc/self/cgroup` holds, `root` where control groups are mounted.
fn limit_of(groups: &str, root: &Path) -> Option<usize> {
    let mut limits = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, group) = (fields.next()?, fields.next()?);
        let (tree, file) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            "memory" => (root.join("memory"), "memory.limit_in_bytes"),
            _ => return None,
        };
        // In a container the group may bear the name that it has outside, while its own files are at the root.
        let own = tree.join(group.trim_start_matches('/')).join(file);
        let text = fs::read_to_string(own).or_else(|_| fs::read_to_string(tree.join(file))).ok()?;
        text.trim().parse().ok().filter(|limit| *limit < NO_LIMIT)
    });
    limits.next()
}

/// How much of `wanted` bytes of bodies in flight the limit leaves room for: more would get the process killed, where one
/// that is turned away is only asked to come again.
pub(super) fn bodies_within(limit: Option<usize>, wanted: usize) -> usize {
    limit.map_or(wanted, |limit| wanted.min((limit.saturating_sub(BASE) / WEIGHT).max(LEAST)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{bodies_within, limit_of};

    const MIB: usize = 1 << 20;

    #[test]
    fn reads_the_limit_of_either_version() {
        let root = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("pods/a/memory.max", "268435456\n");
        write("pods/b/memory.max", "max\n");
        write("memory/pods/a/memory.limit_in_bytes", "31457280\n");
        write("memory/memory.limit_in_bytes", "9223372036854771712\n");
        let limit = |groups: &str| limit_of(groups, root.path());
        assert_eq!(limit("0::/pods/a\n"), Some(256 * MIB));
        assert_eq!(limit("0::/pods/b\n"), None);
        assert_eq!(limit("4:cpu,cpuacct:/pods/a\n3:memory:/pods/a\n0::/\n"), Some(30 * MIB));
        assert_eq!(limit("3:memory:/somewhere/outside\n"), None);
        assert_eq!(limit(""), None);
    }

    #[test]
    fn in_a_container_the_root_is_its_own_group() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("memory.max"), "67108864").unwrap();
        assert_eq!(limit_of("0::/kubepods/pod1/container\n", root.path()), Some(64 * MIB));
    }

    #[test]
    fn bodies_get_what_is_left_and_never_more_than_was_asked_for() {
        assert_eq!(bodies_within(None, 64 * MIB), 64 * MIB);
        assert_eq!(bodies_within(Some(256 * MIB), 64 * MIB), 64 * MIB);
        assert_eq!(bodies_within(Some(46 * MIB), 64 * MIB), 10 * MIB);
        assert_eq!(bodies_within(Some(8 * MIB), 64 * MIB), MIB);
    }
}
