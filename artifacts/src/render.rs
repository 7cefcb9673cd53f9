//! Files to objects: the one entrance to everything in here.

use crate::{
    fault::Fault,
    images::Substitution,
    manifest::{self, Identity, Object},
};
use serde_json::Value;
use std::collections::{BTreeMap, btree_map::Entry};

/// Objects in one set.
pub const MAX_OBJECTS: usize = 5_000;

/// One manifest file.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// For messages.
    pub path: &'a str,
    pub content: &'a [u8],
}

/// A whole set, as it is to be applied.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rendered {
    /// In the order of the files.
    pub objects: Vec<Value>,
    /// The image references of the set: by their key of `images` where they have one, else by
    /// repository.
    pub images: BTreeMap<String, String>,
}

/// Reads the files in order and puts the wanted images in: a key of `images` is a repository's full
/// name or its last part, its value a reference.
///
/// # Errors
///
/// Every fault of every file; then those of the images.
pub fn render(
    sources: &[Source<'_>],
    images: &BTreeMap<String, String>,
) -> Result<Rendered, Vec<Fault>> {
    let mut faults = Vec::new();
    let substitution = Substitution::new(images).map_err(|found| faults.extend(found));
    let mut objects = Vec::new();
    for source in sources {
        match manifest::read(source.path, source.content) {
            Ok(found) => objects.extend(found),
            Err(found) => faults.extend(found),
        }
    }
    faults.extend(repeated(&objects));
    faults.extend(too_many(&objects));
    match substitution {
        Ok(substitution) if faults.is_empty() => substitute(substitution, objects),
        Ok(_) | Err(()) => Err(faults),
    }
}

fn substitute(
    mut substitution: Substitution,
    mut objects: Vec<Object>,
) -> Result<Rendered, Vec<Fault>> {
    for object in &mut objects {
        substitution.apply(object);
    }
    let images = substitution.finish()?;
    let objects = objects.into_iter().map(|object| object.value).collect();
    Ok(Rendered { objects, images })
}

/// The second of two would overwrite the first.
fn repeated(objects: &[Object]) -> Vec<Fault> {
    let mut first: BTreeMap<&Identity, &Object> = BTreeMap::new();
    let mut faults = Vec::new();
    for object in objects.iter().take(MAX_OBJECTS) {
        match first.entry(&object.identity) {
            Entry::Vacant(entry) => {
                entry.insert(object);
            }
            Entry::Occupied(entry) => faults.push(repetition(object, entry.get())),
        }
    }
    faults
}

fn repetition(object: &Object, first: &Object) -> Fault {
    let Identity { kind, name, .. } = &object.identity;
    let (file, place) = (&first.file, first.place.to_string());
    let place = place.trim_end_matches(": ");
    let message = format!("{kind} `{name}` stands already in {file}, {place}; keep one of them");
    Fault::manifest(&object.file, object.place, message)
}

fn too_many(objects: &[Object]) -> Option<Fault> {
    let object = objects.get(MAX_OBJECTS)?;
    let message =
        format!("more than {MAX_OBJECTS} objects in one set; deploy them as several components");
    Some(Fault::manifest(&object.file, object.place, message))
}

#[cfg(test)]
mod tests;
