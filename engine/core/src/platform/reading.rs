//! From the platform's file, and those that it includes, to what they say together.

use super::{
    Platform,
    check::{self, Part},
    freezes::Freeze,
    text::{FreezeText, GrantText, IncludedSecretsText, IncludedText, PeopleText, PlatformText},
    variables::laid_over,
};
use crate::{
    diagnostic::{Code, Diagnostic, SourceFile, Span, in_file_order, quoted},
    files::Step,
    language::{Node, Schemas, Tree, Walk, decode, read_tree},
    schedule::Zones,
    stage::Fault,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

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
    pub wanted: Wanted,
}

/// Whether files must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A pattern with stars may fit none.
    IfThere,
    /// A freeze that is not found would hold nothing.
    AtLeastOne,
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

    /// The files that `file` includes, and those of its freezes, as far as that can be read.
    pub fn includes(file: &SourceFile) -> Vec<Include> {
        let schemas = Schemas::platform();
        let Some(root) = read_tree(file).root else { return Vec::new() };
        let walk = Walk::over(&schemas, &root);
        let text = decode::<PlatformText>(&root, &walk, |key| key == "include" || key == "freezes");
        let text = text.unwrap_or_default();
        let named = |key: &str, patterns: Vec<String>, wanted: Wanted| {
            let places = root.entry(key).into_iter().flat_map(|entry| entry.value.items());
            let places: Vec<Span> = places.map(|place| place.span).collect();
            let include = move |(pattern, at)| Include { pattern, at, wanted };
            patterns.into_iter().zip(places).map(include)
        };
        let further = named("include", text.include, Wanted::IfThere);
        further.chain(named("freezes", text.freezes, Wanted::AtLeastOne)).collect()
    }

    /// What the platform's file, the first one, says with the others, which it includes; or
    /// everything that is wrong with any of them.
    pub fn read_all(files: &[SourceFile]) -> Result<Platform, Vec<FileFaults>> {
        Platform::read_over((files, 0), &Zones::bundled())
    }

    /// The same, where the last `variables` of the files come before the first one, as
    /// [`Platform::variable`] has made them. Files that say their `kind` are freezes; their zones are
    /// looked up in `zones`.
    pub fn read_over(
        (files, variables): (&[SourceFile], usize),
        zones: &Zones,
    ) -> Result<Platform, Vec<FileFaults>> {
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
            if at > 0 && root.entry("kind").is_some() {
                told[at].extend(freeze(root, zones, &mut whole));
                continue;
            }
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
        told[0].extend(unread(trees[0].root.as_deref(), &whole));
        for (faults, at) in check::faults(&whole, &parts).into_iter().zip(numbers) {
            told[at].extend(faults);
        }
        faults.splice(0..0, by_file(told));
        if faults.is_empty() { Ok(Platform::File(Box::new(whole))) } else { Err(faults) }
    }
}

fn by_file(told: Vec<Vec<Diagnostic>>) -> impl Iterator<Item = FileFaults> {
    let told = told.into_iter().enumerate().filter(|(_, faults)| !faults.is_empty());
    told.map(|(file, faults)| FileFaults { file, faults: in_file_order(faults) })
}

/// Files are gathered before variables are laid over the main one: these keys would count for nothing.
const NAMING_FILES: [&str; 2] = ["include", "freezes"];

/// What the variables say together, as far as each by itself is sound, and what is wrong with the
/// others. They are numbered from `first` on.
fn overlay((first, variables): (usize, &[SourceFile])) -> (Value, Vec<FileFaults>) {
    let (mut over, mut told) = (Value::Object(Map::new()), Vec::new());
    for (at, file) in variables.iter().enumerate() {
        match (Platform::read(file), read_tree(file).root) {
            (Ok(_), Some(root)) => {
                match NAMING_FILES.iter().find(|key| root.entry(key).is_some()) {
                    Some(key) => {
                        let message = format!("files are named in gennaker.yaml itself: `{key}`");
                        let fault = Diagnostic::error(Code::E016, root.span, message);
                        told.push(FileFaults { file: first + at, faults: vec![fault] });
                    }
                    None => laid_over(&mut over, root.value()),
                }
            }
            (Ok(_), None) => {}
            (Err(faults), _) => told.push(FileFaults { file: first + at, faults }),
        }
    }
    (over, told)
}

/// Adds what a file of a freeze says, or tells what is wrong with it.
fn freeze(root: &Node, zones: &Zones, whole: &mut PlatformText) -> Vec<Diagnostic> {
    let schemas = Schemas::freeze();
    let walk = Walk::over(&schemas, root);
    if !walk.faults.is_empty() {
        return walk.faults;
    }
    let text = match text_of::<FreezeText>((root, &walk)) {
        Ok(text) => text,
        Err(fault) => return vec![fault],
    };
    if whole.frozen.has(&text.name) {
        let span = root.entry("name").map_or(root.span, |entry| entry.value.span);
        let message = format!("there are two freezes {}", quoted(&text.name));
        return vec![Diagnostic::error(Code::E016, span, message).help("rename one of the two")];
    }
    match Freeze::read(text, zones) {
        Ok(freeze) => {
            whole.frozen.push(freeze);
            Vec::new()
        }
        Err(faults) => faults.into_iter().map(|fault| of_window(root, fault)).collect(),
    }
}

/// A fault of one of the windows, by its number.
fn of_window(root: &Node, (at, fault): (usize, Fault)) -> Diagnostic {
    let windows = root.entry("windows").map(|entry| entry.value.items()).unwrap_or_default();
    let window: &Node = windows.get(at).map_or(root, |window| window);
    let key = fault.place.first().and_then(|step| match step {
        Step::Key(key) => window.entry(key),
        Step::Index(_) => None,
    });
    let span = key.map_or(window.span, |entry| entry.value.span);
    Diagnostic::error(fault.code.code(), span, fault.message).maybe_help(fault.help)
}

/// Freezes that are named and were not read would hold nothing.
fn unread(root: Option<&Node>, whole: &PlatformText) -> Option<Diagnostic> {
    let entry = root?.entry("freezes")?;
    let is_missing = !whole.freezes.is_empty() && whole.frozen.is_empty();
    let message = "none of the files that it names is a freeze";
    let help = "a freeze says `kind: freeze`";
    is_missing.then(|| Diagnostic::error(Code::E016, entry.key.span, message).help(help))
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
