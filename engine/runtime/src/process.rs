//! What this process is, and whether another one still is: by `/proc`, as Linux tells it.

use engine_core::{clock::Now, store::Candidate};
use std::{fs, io, path::Path};

/// What can be said about a process that once held the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Alive,
    /// It has ended, and nothing of it can act any more.
    Gone,
    /// It ran elsewhere: in another boot or another pid namespace.
    OutOfSight,
}

/// Judges processes.
///
/// # Contract
///
/// [`Presence::Gone`] is answered only when it is certain; a wrong one lets two engines write
/// outside at once.
pub trait Processes: Send + Sync {
    fn presence(&self, holder: &Candidate, seen_from: &Candidate) -> Presence;
}

/// The machine we run on.
pub struct Machine;

impl Processes for Machine {
    fn presence(&self, holder: &Candidate, seen_from: &Candidate) -> Presence {
        let place =
            |candidate: &Candidate| (candidate.boot.clone(), candidate.pid_namespace.clone());
        if place(holder) != place(seen_from) {
            return Presence::OutOfSight;
        }
        match fs::read_to_string(format!("/proc/{}/stat", holder.process_id)) {
            Ok(stat) => judge(&stat, holder),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Presence::Gone,
            // Without an answer it must be taken to live.
            Err(_) => Presence::Alive,
        }
    }
}

/// What this process is.
///
/// # Errors
///
/// When `/proc` does not tell.
pub fn this(now: Now) -> io::Result<Candidate> {
    let namespace = fs::read_link("/proc/self/ns/pid")?;
    let stat = read_whole(Path::new("/proc/self/stat"))?;
    let stat = Stat::parse(&stat)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc/self/stat"))?;
    Ok(Candidate {
        process_id: std::process::id(),
        process_started: stat.started,
        pid_namespace: namespace.to_string_lossy().into_owned(),
        boot: read_whole(Path::new("/proc/sys/kernel/random/boot_id"))?.trim().to_owned(),
        now,
    })
}

/// What a process without rights of its own can still write where `directory` lies.
///
/// # Errors
///
/// When the kernel does not tell.
pub fn free_bytes(directory: &Path) -> io::Result<u64> {
    let about = rustix::fs::statvfs(directory)?;
    Ok(about.f_bavail.saturating_mul(about.f_frsize))
}

fn read_whole(path: &Path) -> io::Result<String> {
    fs::read_to_string(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

fn judge(stat: &str, holder: &Candidate) -> Presence {
    match Stat::parse(stat) {
        Some(stat) if stat.started != holder.process_started => Presence::Gone,
        Some(Stat { state: 'Z' | 'X', .. }) => Presence::Gone,
        Some(_) | None => Presence::Alive,
    }
}

/// The fields of `/proc/<pid>/stat` that tell one process from another; see proc_pid_stat(5).
struct Stat {
    state: char,
    /// Field 22, in clock ticks since boot.
    started: u64,
}

impl Stat {
    /// The command, in parentheses, may itself hold spaces and parentheses: what follows the last
    /// one is fields again, from the third on.
    fn parse(stat: &str) -> Option<Stat> {
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_whitespace();
        let state = fields.next()?.chars().next()?;
        let started = fields.nth(18)?.parse().ok()?;
        Some(Stat { state, started })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    /// What a child of ours is.
    fn candidate(process_id: u32) -> Candidate {
        let stat = fs::read_to_string(format!("/proc/{process_id}/stat")).unwrap();
        let process_started = Stat::parse(&stat).unwrap().started;
        Candidate { process_id, process_started, ..this(Now::default()).unwrap() }
    }

    #[test]
    fn this_process_is_alive() {
        let this = this(Now::default()).unwrap();
        assert_eq!(Machine.presence(&this, &this), Presence::Alive);
        assert!(this.pid_namespace.starts_with("pid:["));
        assert_eq!(this.boot.len(), 36);
    }

    #[test]
    fn a_killed_process_is_gone_even_before_its_parent_has_noticed() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let holder = candidate(child.id());
        let this = this(Now::default()).unwrap();
        assert_eq!(Machine.presence(&holder, &this), Presence::Alive);
        child.kill().unwrap();
        while Machine.presence(&holder, &this) == Presence::Alive {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert_eq!(Machine.presence(&holder, &this), Presence::Gone);
    }

    #[test]
    fn a_process_id_used_again_is_another_process() {
        let this = this(Now::default()).unwrap();
        let before = Candidate { process_started: this.process_started - 1, ..this.clone() };
        assert_eq!(Machine.presence(&before, &this), Presence::Gone);
    }

    #[test]
    fn nothing_is_said_of_another_boot_or_namespace() {
        let this = this(Now::default()).unwrap();
        for other in [
            Candidate { boot: "another".to_owned(), ..this.clone() },
            Candidate { pid_namespace: "pid:[1]".to_owned(), ..this.clone() },
        ] {
            assert_eq!(Machine.presence(&other, &this), Presence::OutOfSight);
        }
    }

    #[test]
    fn a_command_with_parentheses_hides_nothing() {
        let fields = (4..=24).map(|field| field.to_string()).collect::<Vec<_>>().join(" ");
        let stat = Stat::parse(&format!("7 (a) R (b) S {fields}")).unwrap();
        assert_eq!((stat.state, stat.started), ('S', 22));
    }
}
