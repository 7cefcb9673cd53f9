//! The state directory: whose it is, who may read it, whether it is sound, and who works on it.

use super::{Check, Finding};
use crate::{
    arguments::Common,
    platform::Found,
    state::{self, Place},
};
use engine_core::clock::Now;
use engine_runtime::{
    process::{self, Machine, Presence, Processes},
    seal::KEY_FILE_NAME,
    sqlite,
};
use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

const DIRECTORY: &str = "state directory";
const DATABASE: &str = "database";
const LEASE: &str = "lease";
/// Below these, runs will soon not be recorded.
const LITTLE_BYTES: u64 = 1024 * 1024 * 1024;
const TOO_LITTLE_BYTES: u64 = 64 * 1024 * 1024;

pub(super) fn checks<'a>(common: &'a Common, found: &Found) -> Vec<Check<'a>> {
    let has_group = common.socket_group.is_some() || found.platform.socket_group().is_some();
    let directory = match state::directory(common) {
        Ok(directory) => directory,
        Err(error) => {
            let told = (error.to_string(), "set HOME, or say where by --state DIR");
            let finding = Finding::failure(DIRECTORY, told);
            return vec![(DIRECTORY.to_owned(), Box::pin(std::future::ready(vec![finding])))];
        }
    };
    if !directory.exists() {
        let told = format!("{} is not there yet; the first run makes it", directory.display());
        let finding = Finding::ok(DIRECTORY, told);
        return vec![(DIRECTORY.to_owned(), Box::pin(std::future::ready(vec![finding])))];
    }
    let place = match Place::of(&directory, &found.platform) {
        Ok(place) => place,
        Err(error) => {
            let told = (error.to_string(), "an engine does not start before that");
            let finding = Finding::failure(DATABASE, told);
            return vec![(DATABASE.to_owned(), Box::pin(std::future::ready(vec![finding])))];
        }
    };
    let (of_files, of_database) = (place.clone(), place.database.clone());
    let files = async move {
        let asked = tokio::task::spawn_blocking(move || files(&of_files, has_group)).await;
        asked.unwrap_or_default()
    };
    let of_lease = place.database;
    vec![
        (DIRECTORY.to_owned(), Box::pin(files)),
        (DATABASE.to_owned(), Box::pin(async move { vec![database(&of_database).await] })),
        (LEASE.to_owned(), Box::pin(async move { vec![lease(&of_lease).await] })),
    ]
}

fn files(place: &Place, has_group: bool) -> Vec<Finding> {
    let directory = place.directory.as_path();
    let mut findings = match folder(directory, has_group) {
        Ok(finding) => vec![finding],
        Err(error) => {
            let detail = format!("{}: {error}", directory.display());
            vec![Finding::failure(DIRECTORY, (detail, "let this user enter and write it"))]
        }
    };
    let kept = [place.database.clone(), directory.join(KEY_FILE_NAME)];
    findings.extend(kept.iter().filter_map(|path| exposed(path)));
    findings.push(space(directory));
    match place.database.parent() {
        Some(folder) if folder != directory => findings.push(space(folder)),
        Some(_) | None => {}
    }
    findings
}

fn folder(directory: &Path, has_group: bool) -> io::Result<Finding> {
    let (about, own) = (fs::metadata(directory)?, fs::metadata("/proc/self")?.uid());
    let (owner, mode) = (engine_api::user(about.uid()), about.permissions().mode() & 0o777);
    let place = directory.display();
    let detail = format!("{place}, of {owner}, mode {mode:04o}");
    if about.uid() != own && own != 0 {
        let remedy = format!("be {owner}, or name another directory by --state");
        return Ok(Finding::failure(DIRECTORY, (detail, remedy)));
    }
    // A socket for a group lies in a directory that the group may pass through.
    let open = if has_group { mode & 0o027 } else { mode & 0o077 };
    Ok(match open {
        0 => Finding::ok(DIRECTORY, detail),
        _ => {
            let wanted = if has_group { "0750" } else { "0700" };
            Finding::warning(DIRECTORY, (detail, format!("chmod {wanted} {place}")))
        }
    })
}

/// A file that others than its owner can read.
fn exposed(path: &Path) -> Option<Finding> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    let detail = format!("{} can be read by others (mode {mode:04o})", path.display());
    let remedy = format!("chmod 0600 {}", path.display());
    (mode & 0o077 != 0).then(|| Finding::failure(DIRECTORY, (detail, remedy)))
}

fn space(directory: &Path) -> Finding {
    const CHECK: &str = "free space";
    let place = directory.display();
    match process::free_bytes(directory) {
        Err(error) => Finding::warning(CHECK, (format!("{place}: {error}"), "look at it by `df`")),
        Ok(bytes) => {
            let detail = format!("{place}: {} MiB", bytes / 1024 / 1024);
            let remedy = "make room: what cannot be recorded is not done";
            match bytes {
                ..TOO_LITTLE_BYTES => Finding::failure(CHECK, (detail, remedy)),
                TOO_LITTLE_BYTES..LITTLE_BYTES => Finding::warning(CHECK, (detail, remedy)),
                LITTLE_BYTES.. => Finding::ok(CHECK, detail),
            }
        }
    }
}

async fn database(path: &Path) -> Finding {
    if !path.exists() {
        return not_yet(path);
    }
    let newer = "use the version of this program that wrote it";
    let broken = "stop the engine, keep a copy of the directory, and bring back a backup";
    let place = path.display();
    match sqlite::examine(path).await {
        Err(error) => Finding::failure(DATABASE, (error.to_string(), broken)),
        Ok(found) => match (found.format, found.damage.as_slice()) {
            (_, [first, ..]) => Finding::failure(DATABASE, (first.clone(), broken)),
            ((format, known), []) if format > known => {
                let detail = format!("format {format}; this program knows {known}");
                Finding::failure(DATABASE, (detail, newer))
            }
            ((format, known), []) if format < known => {
                let detail = format!("sound, of the older format {format} of {known}");
                let remedy = "`gennaker recover`, or the next run, brings it up to date";
                Finding::warning(DATABASE, (detail, remedy))
            }
            ((format, _), []) => Finding::ok(DATABASE, format!("{place}: sound, format {format}")),
        },
    }
}

fn not_yet(path: &Path) -> Finding {
    match path.parent() {
        Some(folder) if !folder.is_dir() => {
            let detail = format!("there is no folder {}", folder.display());
            Finding::failure(DATABASE, (detail, "make it, or write another path for `database`"))
        }
        Some(_) | None => Finding::ok(
            DATABASE,
            format!("{} is not there yet; the first run makes it", path.display()),
        ),
    }
}

async fn lease(path: &Path) -> Finding {
    if !path.exists() {
        return Finding::ok(LEASE, "no engine works here");
    }
    let lease = match sqlite::lease(path).await {
        Ok(Some(lease)) => lease,
        Ok(None) => return Finding::ok(LEASE, "no engine works here"),
        Err(error) => return Finding::warning(LEASE, (error, "see the database")),
    };
    let holder = lease.owner.process_id;
    let presence = process::this(Now::default()).map(|this| Machine.presence(&lease.owner, &this));
    match presence {
        Ok(Presence::Alive) => {
            Finding::ok(LEASE, format!("process {holder} drives what runs here"))
        }
        Ok(Presence::Gone) => {
            let detail = format!("process {holder}, which drove what runs here, has died");
            let remedy = "`gennaker recover`, `run` or `serve` goes on with what it left";
            Finding::warning(LEASE, (detail, remedy))
        }
        Ok(Presence::OutOfSight) => {
            let detail = format!(
                "process {holder} of another boot or container drives, or drove, what runs here"
            );
            let remedy = "if it is gone, the next engine takes over after ten seconds";
            Finding::warning(LEASE, (detail, remedy))
        }
        Err(error) => Finding::warning(LEASE, (error.to_string(), "mount /proc")),
    }
}
