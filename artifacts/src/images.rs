//! Puts the wanted images into pod specs, and tells which images a set finally uses.

use crate::{
    fault::Fault,
    manifest::{self, Object},
    reference::{Reference, ReferenceError, Repository},
    render::Source,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const CONTAINER_LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];
/// How many images a fault names.
const NAMED: usize = 10;

/// The wanted images, and what became of them so far.
pub(crate) struct Substitution {
    wanted: Vec<Wanted>,
    seen: BTreeSet<String>,
    used: BTreeMap<String, String>,
    faults: Vec<Fault>,
}

/// One entry of `images`.
struct Wanted {
    key: String,
    matcher: Matcher,
    reference: String,
    matched: bool,
}

enum Matcher {
    /// A key with a slash: the whole name.
    Name(Repository),
    /// A key without one.
    LastPart(String),
}

impl Substitution {
    pub(crate) fn new(images: &BTreeMap<String, String>) -> Result<Substitution, Vec<Fault>> {
        let (mut wanted, mut faults) = (Vec::new(), Vec::new());
        for (key, value) in images {
            match entry(key, value) {
                Ok(entry) => wanted.push(entry),
                Err(fault) => faults.push(fault),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let (seen, used) = (BTreeSet::new(), BTreeMap::new());
        Ok(Substitution { wanted, seen, used, faults })
    }

    /// Replaces the images of one object.
    pub(crate) fn apply(&mut self, object: &mut Object) {
        let described = format!("{} `{}`", object.identity.kind, object.identity.name);
        let (file, place) = (object.file.clone(), object.place);
        let Some(pod) = pod_spec(&object.identity.kind, &mut object.value) else { return };
        for list in CONTAINER_LISTS {
            let containers = pod.get_mut(list).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten() {
                if let Err(message) = self.replace(container) {
                    let message = format!("{described}: {message}");
                    self.faults.push(Fault::manifest(&file, place, message));
                }
            }
        }
    }

    /// The images of the whole set by name, or every fault.
    pub(crate) fn finish(mut self) -> Result<BTreeMap<String, String>, Vec<Fault>> {
        let used: Vec<String> = self.seen.into_iter().take(NAMED).collect();
        let unmatched = self.wanted.into_iter().filter(|wanted| !wanted.matched);
        self.faults.extend(
            unmatched.map(|wanted| Fault::ImageUnmatched { key: wanted.key, used: used.clone() }),
        );
        if self.faults.is_empty() { Ok(self.used) } else { Err(self.faults) }
    }

    /// A container without an image is left to the API server.
    fn replace(&mut self, container: &mut Value) -> Result<(), String> {
        let Some(image) = container.get("image").and_then(Value::as_str) else { return Ok(()) };
        if image.is_empty() {
            return Ok(());
        }
        let reference = Reference::parse(image)
            .map_err(|error| format!("image `{image}` is not an image reference: {error}"))?;
        self.seen.insert(image.to_owned());
        let (name, image) = match self.find(&reference.repository) {
            Some(wanted) => (wanted.key.clone(), wanted.reference.clone()),
            None => (reference.repository.to_string(), image.to_owned()),
        };
        self.report(name, &image);
        container["image"] = Value::from(image);
        Ok(())
    }

    /// Marks every entry that matches, and picks the one that says most.
    fn find(&mut self, repository: &Repository) -> Option<&Wanted> {
        let normal = repository.normal();
        for wanted in &mut self.wanted {
            wanted.matched |= wanted.matcher.fits(&normal);
        }
        let fitting = self.wanted.iter().filter(|wanted| wanted.matcher.fits(&normal));
        fitting.min_by_key(|wanted| match wanted.matcher {
            Matcher::Name(_) => 0,
            Matcher::LastPart(_) => 1,
        })
    }

    /// Two versions of one image go by their whole references.
    fn report(&mut self, name: String, image: &str) {
        match self.used.get(&name) {
            Some(other) if other != image => {
                self.used.insert(image.to_owned(), image.to_owned());
            }
            Some(_) => {}
            None => {
                self.used.insert(name, image.to_owned());
            }
        }
    }
}

impl Matcher {
    fn fits(&self, normal: &Repository) -> bool {
        match self {
            Matcher::Name(name) => name == normal,
            Matcher::LastPart(part) => part == normal.last_part(),
        }
    }
}

fn entry(key: &str, value: &str) -> Result<Wanted, Fault> {
    let refuse =
        |reason| Fault::ImageValue { key: key.to_owned(), value: value.to_owned(), reason };
    Reference::parse(value).map_err(refuse)?;
    let matcher = matcher(key).map_err(|reason| Fault::ImageValue {
        key: key.to_owned(),
        value: key.to_owned(),
        reason,
    })?;
    Ok(Wanted { key: key.to_owned(), matcher, reference: value.to_owned(), matched: false })
}

fn matcher(key: &str) -> Result<Matcher, ReferenceError> {
    let name = Repository::parse(key)?;
    Ok(match key.contains('/') {
        true => Matcher::Name(name.normal()),
        false => Matcher::LastPart(name.path),
    })
}

/// Those keys of `offered` that match an image of these files which no key of `own` matches. What
/// cannot be read matches nothing.
pub fn useful(
    sources: &[Source<'_>],
    own: &BTreeMap<String, String>,
    offered: &[&str],
) -> Vec<String> {
    let objects = sources.iter().filter_map(|it| manifest::read(it.path, it.content).ok());
    let mut used = BTreeSet::new();
    for mut object in objects.flatten() {
        let Some(pod) = pod_spec(&object.identity.kind, &mut object.value) else { continue };
        let lists = CONTAINER_LISTS.iter().filter_map(|list| pod.get(*list)?.as_array());
        let images = lists.flatten().filter_map(|container| container.get("image")?.as_str());
        used.extend(
            images.filter_map(|image| Some(Reference::parse(image).ok()?.repository.normal())),
        );
    }
    let own: Vec<Matcher> = own.keys().filter_map(|key| matcher(key).ok()).collect();
    used.retain(|image| !own.iter().any(|matcher| matcher.fits(image)));
    let matches = |key: &&&str| {
        matcher(key).is_ok_and(|matcher| used.iter().any(|image| matcher.fits(image)))
    };
    offered.iter().filter(matches).map(|key| (*key).to_owned()).collect()
}

/// Where a kind keeps its pod spec; kinds that are not known may have one as a Deployment has it.
fn pod_spec<'a>(kind: &str, object: &'a mut Value) -> Option<&'a mut Value> {
    let path = match kind {
        "Pod" => "/spec",
        "PodTemplate" => "/template/spec",
        "CronJob" => "/spec/jobTemplate/spec/template/spec",
        _ => "/spec/template/spec",
    };
    object.pointer_mut(path)
}

#[cfg(test)]
mod tests;
