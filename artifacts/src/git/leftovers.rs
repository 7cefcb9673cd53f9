//! What an engine that was killed leaves in a mirror: half-written files, and git that still runs.

use std::{fs, io, path::Path};

/// Marks every process that works on a mirror, by the mirror's path.
pub(super) const MARK: &str = "GENNAKER_MIRROR";

/// Ends git processes of an engine that is gone. Whoever opens a mirror is the only one to use it.
pub(super) fn end_processes(mirror: &Path) {
    let mark = format!("{MARK}={}", mirror.display());
    let Ok(processes) = fs::read_dir("/proc") else { return };
    for process in processes.flatten() {
        let id = process.file_name().to_str().and_then(|it| it.parse().ok());
        let Some(id) = id.and_then(rustix::process::Pid::from_raw) else { continue };
        let Ok(environment) = fs::read(process.path().join("environ")) else { continue };
        if environment.split(|it| *it == 0).any(|it| it == mark.as_bytes()) {
            rustix::process::kill_process(id, rustix::process::Signal::KILL).ok();
        }
    }
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
