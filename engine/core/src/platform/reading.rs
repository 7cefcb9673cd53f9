//! From the platform's file, and those that it includes, to what they say together.

use super::{
    Platform,
    check::{self, Part},
    text::{GrantText, IncludedSecretsText, IncludedText, PeopleText, PlatformText},
    variables::laid_over,
};
use crate::{
    diagnostic::{Code, Diagnostic, SourceFile, Span, in_file_order},
    language::{Node, Schemas, Tree, Walk, decode, read_tree},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
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
        Platform::read_over(files, 0)
    }

    /// The same, where the last `variables` of the files come before the first one, as
    /// [`Platform::variable`] has made them.
    pub fn read_over(files: &[SourceFile], variables: usize) -> Result<Platform, Vec<FileFaults>> {
        let (files, variables) = files.split_at(files.len().saturating_sub(variables));
        let (over, mut faults) = overlay((files.len(), variables));
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
                0 => main_text((root, &walk), over.clone()).map(|text| {
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
        let told = told.map(|(file, faults)| FileFaults { file, faults: in_file_order(faults) });
        faults.splice(0..0, told);
        if faults.is_empty() { Ok(Platform::File(Box::new(whole))) } else { Err(faults) }
    }
}

/// What the variables say together, as far as each by itself is sound, and what is wrong with the
/// others. They are numbered from `first` on.
fn overlay((first, variables): (usize, &[SourceFile])) -> (Value, Vec<FileFaults>) {
    let (mut over, mut told) = (Value::Object(Map::new()), Vec::new());
    for (at, file) in variables.iter().enumerate() {
        match (Platform::read(file), read_tree(file).root) {
            (Ok(_), Some(root)) => laid_over(&mut over, root.value()),
            (Ok(_), None) => {}
            (Err(faults), _) => told.push(FileFaults { file: first + at, faults }),
        }
    }
    (over, told)
}

fn main_text(main: (&Node, &Walk<'_>), over: Value) -> Result<PlatformText, Diagnostic> {
    let mut said: Value = text_of(main)?;
    laid_over(&mut said, over);
    serde_json::from_value(said).map_err(|error| unreadable(main.0, &error))
}

fn text_of<T: DeserializeOwned>((root, walk): (&Node, &Walk<'_>)) -> Result<T, Diagnostic> {
    let text = decode::<T>(root, walk, |key| key != "version");
    text.map_err(|error| unreadable(root, &error))
}

fn unreadable(root: &Node, error: &serde_json::Error) -> Diagnostic {
    let message = format!("the file cannot be read: {error}");
    Diagnostic::error(Code::E016, Span::at(root.span.start), message)
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
