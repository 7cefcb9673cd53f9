//! What an engine that was killed leaves in a mirror: half-written files, and git that still runs.

use rustix::process::{Pid, Signal, kill_process};
use std::{fs, io, path::Path, thread::sleep, time::Duration};

/// Marks every process that works on a mirror, by the mirror's path.
pub(super) const MARK: &str = "GENNAKER_MIRROR";

/// A process that was killed is gone within this many looks.
const LOOKS: u32 = 100;
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// Ends git processes of an engine that is gone. Whoever opens a mirror is the only one to use it.
pub(super) fn end_processes(mirror: &Path) {
    for _ in 0..LOOKS {
        if kill_all(mirror) == 0 {
            return;
        }
        sleep(BETWEEN_LOOKS);
    }
}

/// How many there were.
fn kill_all(mirror: &Path) -> usize {
    let mark = format!("{MARK}={}", mirror.display());
    let Ok(processes) = fs::read_dir("/proc") else { return 0 };
    let ours = processes.flatten().filter_map(|process| {
        let id = process.file_name().to_str()?.parse().ok()?;
        let environment = fs::read(process.path().join("environ")).ok()?;
        let is_ours = environment.split(|it| *it == 0).any(|it| it == mark.as_bytes());
        is_ours.then(|| Pid::from_raw(id)).flatten()
    });
    let killed = |count, id| {
        kill_process(id, Signal::KILL).ok();
        count + 1
    };
    ours.fold(0, killed)
}

/// Removes locks, and packs and objects that are not whole. Nothing of it is in force.
pub(super) fn clean(mirror: &Path) -> io::Result<()> {
    below(mirror, 0)
}

/// Deeper than any name of a ref leads.
const MAX_DEPTH: usize = 140;

fn below(folder: &Path, depth: usize) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if kind.is_dir() && depth < MAX_DEPTH {
            below(&entry.path(), depth + 1)?;
        } else if !kind.is_dir() && is_left_over(&name) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Names of refs cannot end in `.lock`; `.keep` protects packs from a clean-up that never runs meanwhile.
fn is_left_over(name: &str) -> bool {
    name.ends_with(".lock")
        || name == "gc.pid"
        || (name.starts_with("pack-") && name.ends_with(".keep"))
        || ["tmp_pack_", "tmp_idx_", "tmp_obj_", "tmp_rev_", ".tmp-"]
            .iter()
            .any(|it| name.starts_with(it))
}

/// How much there is on disk, in bytes.
pub(super) fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(it) if it.is_dir() => size(&entry.path()),
        Ok(it) => it.len(),
        Err(_) => 0,
    };
    entries.flatten().map(of).sum()
}
