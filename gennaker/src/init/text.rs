//! The file that `init` writes.

use super::{
    find::{Folder, Found},
    layout::{Deploy, Layout, Rank},
};
use serde_json::Value;
use std::collections::BTreeSet;

/// A sentence names so many objects of a folder.
const NAMED: usize = 6;

/// The pipeline, with comments for whoever reads it first.
pub(super) fn pipeline(name: &str, layout: &Layout, found: &Found) -> String {
    let mut text = format!(
        "# yaml-language-server: $schema=https://gennaker.dev/schema/pipeline/v1.json\n\
         version: 1\nname: {name}\n"
    );
    text.push_str(&images(found));
    text.push_str("stages:\n");
    let mut before: Option<String> = None;
    let mut asked = false;
    for deploy in &layout.deploys {
        if deploy.rank == Rank::Production && !asked {
            asked = true;
            text.push_str(&approval(before.as_deref()));
            before = Some("goLive".to_owned());
        }
        for (job, manifest) in &deploy.jobs {
            let id = job_id(&deploy.stage, job);
            text.push_str(&stage((&id, before.as_deref()), deploy));
            text.push_str(&format!("    job: {{manifest: {}}}\n", quoted(manifest)));
            before = Some(id);
        }
        text.push_str(&stage((&deploy.stage, before.as_deref()), deploy));
        if deploy.rank == Rank::Production {
            text.push_str("    onFailure: hold                       # a person says what is to become of it\n");
        }
        let manifests: Vec<String> = deploy.manifests.iter().map(|path| quoted(path)).collect();
        text.push_str(&format!("    deploy: {{manifests: [{}]}}\n", manifests.join(", ")));
        before = Some(deploy.stage.clone());
    }
    text
}

/// The stages in their order, for a sentence.
pub(super) fn stages(layout: &Layout) -> String {
    let mut ids: Vec<String> = Vec::new();
    for deploy in &layout.deploys {
        if deploy.rank == Rank::Production && !ids.iter().any(|id| id == "goLive") {
            ids.push("goLive (a person says yes)".to_owned());
        }
        ids.extend(deploy.jobs.iter().map(|(job, _)| job_id(&deploy.stage, job)));
        ids.push(format!("{} (to {})", deploy.stage, deploy.environment));
    }
    ids.join(" -> ")
}

/// A line for each folder: what is in it.
pub(super) fn inventory(found: &Found) -> Vec<String> {
    let line = |(path, folder): (&String, &Folder)| {
        let objects: Vec<String> =
            folder.files.iter().flat_map(|file| &file.objects).map(told).collect();
        let more = match objects.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let first: Vec<String> = objects.into_iter().take(NAMED).collect();
        let path = if path.is_empty() { "./" } else { path };
        format!("{path} has {}{more}", first.join(", "))
    };
    found.folders.iter().map(line).collect()
}

fn told(object: &Value) -> String {
    let text = |at: &str| object.pointer(at).and_then(Value::as_str).unwrap_or_default();
    format!("{} {}", text("/kind"), text("/metadata/name"))
}

/// How another version is deployed than the manifests say, for one of their images.
fn images(found: &Found) -> String {
    let files = found.folders.values().flat_map(|folder| &folder.files);
    let images: BTreeSet<&String> = files.flat_map(|file| &file.images).collect();
    let Some(repository) = images.first().and_then(|image| repository(image)) else {
        return String::new();
    };
    let name = repository.rsplit('/').next().unwrap_or(repository);
    format!(
        "# Another version than the manifests name (gennaker run ... -p version=v7):\n\
         # parameters: {{version: {{type: string, required: true}}}}\n\
         # images: {{{name}: \"{repository}:${{{{ parameters.version }}}}\"}}\n"
    )
}

/// An image reference without its tag or digest.
fn repository(image: &str) -> Option<&str> {
    let image = image.split('@').next()?;
    match image.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => Some(repository),
        Some(_) | None => Some(image),
    }
}

fn job_id(stage: &str, job: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let id: String = format!("{stage}-{job}").chars().map(letter).take(63).collect();
    id
}

fn stage((id, before): (&str, Option<&str>), deploy: &Deploy) -> String {
    let needs = before.map(|before| format!("    needs: [{before}]\n")).unwrap_or_default();
    format!("  {id}:\n{needs}    environment: {}\n", deploy.environment)
}

fn approval(before: Option<&str>) -> String {
    let needs = before.map(|before| format!("    needs: [{before}]\n")).unwrap_or_default();
    let message = match before {
        Some(before) => format!("Does {before} look right?"),
        None => "To production?".to_owned(),
    };
    format!(
        "  goLive:\n{needs}    approval:\n      message: {message}\n      \
         excludeTriggerer: false             # leave this out where two people must look\n"
    )
}

/// A path as YAML has it within a list.
fn quoted(path: &str) -> String {
    let is_plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
    match is_plain && path.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic()) {
        true => path.to_owned(),
        false => Value::from(path).to_string(),
    }
}
