//! From the platform's file, and those that it includes, to what they say together.

use super::{
    Platform,
    check::{self, Part},
    text::{GrantText, IncludedSecretsText, IncludedText, PeopleText, PlatformText},
};
use crate::{
    diagnostic::{Code, Diagnostic, SourceFile, Span, in_file_order},
    language::{Node, Schemas, Tree, Walk, decode, read_tree},
};
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// What is wrong with one of several files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFaults {
    /// Its number among those that were given.
    pub file: usize,
    /// In the order of the file; never none.
    pub faults: Vec<Diagnostic>,
}

/// Files that are included, and where that is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// Relative to the file that says so.
    pub pattern: String,
    pub at: Span,
}

impl Include {
    /// What is wrong with it as a fault of that file.
    pub fn fault(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(Code::E016, self.at, message)
    }
}

impl Platform {
    /// What `file` says if it includes nothing, or everything that is wrong with it.
    pub fn read(file: &SourceFile) -> Result<Platform, Vec<Diagnostic>> {
        let read = Platform::read_all(std::slice::from_ref(file));
        read.map_err(|told| told.into_iter().flat_map(|it| it.faults).collect())
    }

    /// The files that `file` includes, as far as that can be read.
    pub fn includes(file: &SourceFile) -> Vec<Include> {
        let schemas = Schemas::platform();
        let Some(root) = read_tree(file).root else { return Vec::new() };
        let walk = Walk::over(&schemas, &root);
        let text = decode::<PlatformText>(&root, &walk, |key| key == "include");
        let patterns = text.map(|text| text.include).unwrap_or_default();
        let places = root.entry("include").into_iter().flat_map(|entry| entry.value.items());
        let include = |(pattern, place): (String, &Arc<Node>)| Include { pattern, at: place.span };
        patterns.into_iter().zip(places).map(include).collect()
    }

    /// What the platform's file, the first one, says with the others, which it includes; or
    /// everything that is wrong with any of them.
    pub fn read_all(files: &[SourceFile]) -> Result<Platform, Vec<FileFaults>> {
        let (own, included) = (Schemas::platform(), Schemas::included());
        let mut trees: Vec<Tree> = files.iter().map(read_tree).collect();
        let mut told: Vec<Vec<Diagnostic>> =
            trees.iter_mut().map(|tree| std::mem::take(&mut tree.faults)).collect();
        let mut whole = PlatformText::default();
        let (mut parts, mut numbers) = (Vec::new(), Vec::new());
        for (at, tree) in trees.iter().enumerate() {
            let Some(root) = &tree.root else { continue };
            let walk = Walk::over(if at == 0 { &own } else { &included }, root);
            let text = match at {
                0 => text_of::<PlatformText>((root, &walk)).map(|text| {
                    whole = text;
                    whole.shared()
                }),
                _ => text_of::<IncludedText>((root, &walk)),
            };
            told[at].extend(walk.faults.iter().cloned());
            match text {
                Ok(text) => {
                    if at > 0 {
                        whole.include(text.clone());
                    }
                    parts.push(Part { root, walk, text });
                    numbers.push(at);
                }
                Err(fault) => told[at].push(fault),
            }
        }
        for (faults, at) in check::faults(&whole, &parts).into_iter().zip(numbers) {
            told[at].extend(faults);
        }
        let told = told.into_iter().enumerate().filter(|(_, faults)| !faults.is_empty());
        let told: Vec<FileFaults> =
            told.map(|(file, faults)| FileFaults { file, faults: in_file_order(faults) }).collect();
        if told.is_empty() { Ok(Platform::File(Box::new(whole))) } else { Err(told) }
    }
}

fn text_of<T: DeserializeOwned>((root, walk): (&Node, &Walk<'_>)) -> Result<T, Diagnostic> {
    decode::<T>(root, walk, |key| key != "version").map_err(|error| {
        let message = format!("the file cannot be read: {error}");
        Diagnostic::error(Code::E016, Span::at(root.span.start), message)
    })
}

impl PlatformText {
    /// What an included file could say too.
    fn shared(&self) -> IncludedText {
        IncludedText {
            sources: self.sources.clone(),
            people: self.people.clone(),
            roles: self.roles.clone(),
            secrets: IncludedSecretsText { grants: self.secrets.grants.clone() },
        }
    }

    /// Adds what a further file says. Who stands in two of them is told as a fault.
    fn include(&mut self, text: IncludedText) {
        let IncludedText { sources, people, roles, secrets } = text;
        let PeopleText { users, groups } = people;
        self.sources.extend(sources);
        self.people.users.extend(users);
        self.people.groups.extend(groups);
        if let Some(roles) = roles {
            self.roles.get_or_insert_default().extend(roles);
        }
        let IncludedSecretsText { grants } = secrets;
        self.secrets.grants.extend::<Vec<GrantText>>(grants);
    }
}
