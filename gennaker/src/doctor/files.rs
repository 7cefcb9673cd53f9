//! What lies on this machine's disk: secrets, and the pipelines of the current folder.

use super::{Check, Finding};
use crate::{arguments::Common, check, clusters::Reach, platform::Found, read, secrets};
use engine_core::{diagnostic, pipeline::Missing};
use engine_runtime::secrets::{SecretSource, Wanted};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

const SECRETS: &str = "secrets";
/// Where pipelines of a repository lie.
const FOLDER: &str = ".gennaker";

pub(super) fn checks<'a>(
    common: &'a Common,
    found: &'a Found,
    reach: Option<&'a Reach>,
) -> Vec<Check<'a>> {
    let mut checks: Vec<Check<'a>> =
        vec![(SECRETS.to_owned(), Box::pin(async move { secret_files(common, found) }))];
    if let Some(reach) = reach {
        checks.push(("pipelines".to_owned(), Box::pin(async move { pipelines(reach) })));
    }
    checks
}

/// Where they are, and whether each that is granted by its name, or that the engine itself works
/// with, has a value. None is told.
fn secret_files(common: &Common, found: &Found) -> Vec<Finding> {
    let directory = secrets::directory(common, found);
    let mut findings = match &directory {
        None => vec![Finding::ok(SECRETS, "no directory; only variables GENNAKER_SECRET_<NAME>")],
        Some(directory) => folder(directory),
    };
    let kept = secrets::kept(common, found);
    let mut granted: Vec<&str> = found.platform.granted_secrets();
    granted.extend(found.platform.own_secrets());
    granted.sort_unstable();
    granted.dedup();
    for name in granted {
        let wanted =
            Wanted { name: name.to_owned(), application: String::new(), environment: None };
        if let Err(error) = kept.find(&wanted) {
            let remedy = match &directory {
                Some(directory) => format!("write it into {}", directory.join(name).display()),
                None => format!("set GENNAKER_SECRET_{name}, or `secrets.directory`"),
            };
            findings.push(Finding::failure(SECRETS, (error.to_string(), remedy)));
        }
    }
    findings
}

fn folder(directory: &Path) -> Vec<Finding> {
    let place = directory.display();
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => {
            let detail = format!("{place}: {error}");
            return vec![Finding::failure(SECRETS, (detail, "make it, or name another one"))];
        }
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path())).take(1_000);
    let all = std::iter::once(directory.to_owned()).chain(paths);
    let findings: Vec<Finding> = all.filter_map(|path| exposed(&path)).collect();
    match findings.is_empty() {
        true => vec![Finding::ok(SECRETS, format!("{place}, for nobody else to read"))],
        false => findings,
    }
}

fn exposed(path: &Path) -> Option<Finding> {
    let about = fs::metadata(path).ok()?;
    let mode = about.permissions().mode() & 0o777;
    let wanted = if about.is_dir() { "0700" } else { "0600" };
    let detail = format!("{} can be read by others (mode {mode:04o})", path.display());
    let remedy = format!("chmod {wanted} {}", path.display());
    match mode & 0o077 {
        0 => None,
        // A group may be the one that the engine runs in.
        open if open & 0o007 == 0 => Some(Finding::warning(SECRETS, (detail, remedy))),
        _ => Some(Finding::failure(SECRETS, (detail, remedy))),
    }
}

fn pipelines(reach: &Reach) -> Vec<Finding> {
    const CHECK: &str = "pipelines";
    let files = read::yaml_files(Path::new(FOLDER)).unwrap_or_default();
    if files.is_empty() {
        let detail = format!("there are none in {FOLDER} of this folder");
        return vec![Finding::ok(CHECK, detail)];
    }
    let broken: Vec<Finding> = files.iter().filter_map(|file| fault(file, reach)).collect();
    match broken.is_empty() {
        true => vec![Finding::ok(CHECK, format!("{} in {FOLDER}, all valid", files.len()))],
        false => broken,
    }
}

fn fault(file: &Path, reach: &Reach) -> Option<Finding> {
    let check = format!("pipeline {}", file.display());
    let located = match read::locate(file) {
        Ok(located) => located,
        Err(error) => return Some(Finding::failure(check, (error.to_string(), "mend the file"))),
    };
    let bindings = read::bindings(&[], Missing::Tolerated);
    let told = check::compile(&located, reach, &bindings).err()?;
    let errors: Vec<&diagnostic::Diagnostic> =
        told.iter().filter(|it| it.severity == diagnostic::Severity::Error).collect();
    let first = errors.first().map_or(String::new(), |it| format!("{}: {}", it.code, it.message));
    let detail = match errors.len() {
        1 => first,
        several => format!("{first} (and {} more)", several.saturating_sub(1)),
    };
    Some(Finding::failure(check, (detail, format!("gennaker validate {}", file.display()))))
}
