//! A process and all that it has started: bounded together, and ended together.

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};
use std::fs;
use tokio::process::Child;

/// The leader of a group of its own, until it has ended.
pub(super) struct Group {
    leader: Option<Pid>,
}

impl Group {
    pub(super) fn of(child: &Child) -> Group {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Group { leader: id.and_then(Pid::from_raw) }
    }

    /// Bounds the memory of the leader and of all that it has started already; what is started later
    /// inherits that. A system that cannot do this keeps to git's own bound of what is taken at once.
    pub(super) fn limit(&self, bytes: u64) {
        if let Some(leader) = self.leader {
            limit(leader, bytes);
        }
    }

    pub(super) fn kill(&mut self) {
        if let Some(leader) = self.leader.take() {
            kill_process_group(leader, Signal::KILL).ok();
        }
    }

    pub(super) fn has_ended(&mut self) {
        self.leader = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Its children are looked for after it was bounded, so that none is missed.
fn limit(process: Pid, bytes: u64) {
    let bound = Rlimit { current: Some(bytes), maximum: Some(bytes) };
    prlimit(Some(process), Resource::As, bound).ok();
    children(process).into_iter().for_each(|child| limit(child, bytes));
}

fn children(process: Pid) -> Vec<Pid> {
    let threads = format!("/proc/{}/task", process.as_raw_nonzero());
    let Ok(threads) = fs::read_dir(threads) else { return Vec::new() };
    let lists =
        threads.flatten().filter_map(|it| fs::read_to_string(it.path().join("children")).ok());
    let ids = |list: String| list.split(' ').filter_map(|it| it.parse().ok()).collect::<Vec<i32>>();
    lists.flat_map(ids).filter_map(Pid::from_raw).collect()
}
