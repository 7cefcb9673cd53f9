//! Whether sources are places, and each application is one source's.

use super::{Part, Way, Whole, places::zero, unknown};
use crate::{
    diagnostic::{Code, Diagnostic, Span, quoted},
    glob,
    limits::FAULTS,
    platform::{sources::repository_key, text::SourceText},
};
use std::collections::{BTreeMap, BTreeSet};

/// Comparisons of a name with a pattern of another source. What is beyond is judged when a pipeline
/// of that name is seen, as everything is.
const COMPARED: usize = 100_000;

pub(super) fn faults(whole: &Whole<'_>, part: &Part<'_>, faults: &mut Vec<Diagnostic>) {
    for (at, source) in part.text.sources.iter().enumerate() {
        let here = Here { part, at, source };
        faults.extend(here.place());
        faults.extend(here.of_repositories());
        faults.extend(here.unencrypted(whole));
        faults.extend(here.nameless());
        faults.extend(here.outside());
        faults.extend(source.poll.and_then(|poll| zero(poll, part, &here.way("poll"))));
        if whole.is_sound("environments") {
            faults.extend(here.environments(whole));
        }
        if faults.len() > FAULTS {
            return;
        }
    }
    grants(whole, part, faults);
}

/// One source in its file.
struct Here<'a> {
    part: &'a Part<'a>,
    at: usize,
    source: &'a SourceText,
}

impl Here<'_> {
    fn way<'k>(&self, key: &'k str) -> [Way<'k>; 3] {
        [Way::Key("sources"), Way::Item(self.at), Way::Key(key)]
    }

    fn span(&self, key: &str) -> Span {
        self.part.span(&self.way(key))
    }

    fn item(&self, (key, index): (&str, usize)) -> Span {
        let [sources, item, key] = self.way(key);
        self.part.span(&[sources, item, key, Way::Item(index)])
    }

    fn fault(&self, key: &str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(Code::E016, self.span(key), message)
    }

    fn place(&self) -> Option<Diagnostic> {
        let message = match (&self.source.git, &self.source.directory) {
            (Some(_), None) | (None, Some(_)) => return None,
            (Some(_), Some(_)) => "a source is at `git` or in a `directory`, not both",
            (None, None) => "the source lacks `git`, or `directory`",
        };
        Some(self.fault("directory", message).help("write one of the two"))
    }

    fn of_repositories(&self) -> Vec<Diagnostic> {
        if self.source.git.is_some() || self.source.directory.is_none() {
            return Vec::new();
        }
        let written = [
            ("branches", self.source.branches.is_some()),
            ("credentials", self.source.credentials.is_some()),
        ];
        let written = written.into_iter().filter(|(_, is_written)| *is_written);
        let fault =
            |(key, _)| self.fault(key, format!("a folder has no `{key}`")).help("leave it out");
        written.map(fault).collect()
    }

    fn unencrypted(&self, whole: &Whole<'_>) -> Option<Diagnostic> {
        let rest = self.source.git.as_deref()?.strip_prefix("http://")?;
        let defaults = &whole.text.source_defaults.credentials;
        self.source.credentials.as_ref().or(defaults.as_ref())?;
        let local = ["127.0.0.1", "localhost", "[::1]"];
        let is_local = |host: &&str| {
            let after = rest.strip_prefix(host);
            after.is_some_and(|after| after.starts_with([':', '/']))
        };
        if local.iter().any(is_local) {
            return None;
        }
        let message = "credentials would be sent unencrypted";
        Some(self.fault("git", message).help("write `https://`"))
    }

    /// What is called by the last part of its address must be able to be called so.
    fn nameless(&self) -> Option<Diagnostic> {
        if self.source.applications.is_some() || self.source.platform {
            return None;
        }
        let last = self.source.last_part()?;
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=63).contains(&last.len()) && last.bytes().all(fits) {
            return None;
        }
        let key = if self.source.git.is_some() { "git" } else { "directory" };
        let message = format!("the last part, {}, is no name of an application", quoted(last));
        Some(self.fault(key, message).help("name its `applications`"))
    }

    fn outside(&self) -> Vec<Diagnostic> {
        let paths = self.source.paths.iter().flatten().enumerate();
        let strays = |path: &str| path.starts_with('/') || path.split('/').any(|part| part == "..");
        let fault = |(index, _): (usize, &String)| {
            let message = "a path stays below the source's root";
            let fault = Diagnostic::error(Code::E016, self.item(("paths", index)), message);
            fault.help("write it without `..` and without `/` at its beginning")
        };
        paths.filter(|(_, path)| strays(path)).map(fault).collect()
    }

    fn environments(&self, whole: &Whole<'_>) -> Vec<Diagnostic> {
        let known = whole.text.environments.keys().map(String::as_str);
        let named = self.source.environments.iter().enumerate();
        let named = named.filter(|(_, name)| glob::is_literal(name));
        let words = ("environment", "name it under `environments`");
        let fault = |(index, name): (usize, &String)| {
            unknown(words, (name, self.item(("environments", index))), known.clone())
        };
        named.filter_map(fault).collect()
    }
}

/// What the engine itself works with is nobody's.
fn grants(whole: &Whole<'_>, part: &Part<'_>, faults: &mut Vec<Diagnostic>) {
    let own = whole.text.own_secrets();
    for (at, grant) in part.text.secrets.grants.iter().enumerate() {
        for (index, name) in
            grant.names.iter().enumerate().filter(|(_, it)| own.contains(it.as_str()))
        {
            let way = [
                Way::Key("secrets"),
                Way::Key("grants"),
                Way::Item(at),
                Way::Key("names"),
                Way::Item(index),
            ];
            let message =
                format!("{} is a credential of the engine, and never granted", quoted(name));
            let fault = Diagnostic::error(Code::E019, part.span(&way), message);
            faults.push(fault.help("give pipelines a secret of their own"));
        }
    }
}

/// An application belongs to one source, and a repository is one source.
pub(super) fn shared(whole: &Whole<'_>, faults: &mut [Vec<Diagnostic>]) {
    let mut claims = Claims::default();
    let mut repositories = BTreeSet::new();
    for (file, part) in whole.parts.iter().enumerate() {
        for (at, source) in part.text.sources.iter().enumerate() {
            let here = Here { part, at, source };
            let address = source.git.as_deref().map(repository_key);
            if address.is_some_and(|address| !repositories.insert(address)) {
                let fault = here.fault("git", "another source is this repository already");
                faults[file].push(fault.help("say all of it in one source"));
                continue;
            }
            claims.add((file, &here));
        }
    }
    for ((file, span), message) in claims.doubled() {
        let fault = Diagnostic::error(Code::E016, span, message);
        faults[file].push(fault.help("an application belongs to one source"));
    }
}

/// A claim: which source, by its number, with its name and place.
struct Claim {
    source: usize,
    name: String,
    at: (usize, Span),
}

#[derive(Default)]
struct Claims {
    sources: usize,
    literal: BTreeMap<String, Vec<Claim>>,
    patterns: Vec<(String, Claim)>,
}

impl Claims {
    fn add(&mut self, (file, here): (usize, &Here<'_>)) {
        self.sources += 1;
        let written = here.source.applications.is_some();
        let address = here.source.git.as_ref().or(here.source.directory.as_ref());
        for (index, application) in here.source.claimed().into_iter().enumerate() {
            let key = if here.source.git.is_some() { "git" } else { "directory" };
            let span = if written { here.item(("applications", index)) } else { here.span(key) };
            let name = address.cloned().unwrap_or_default();
            let claim = Claim { source: self.sources, name, at: (file, span) };
            match glob::is_literal(&application) {
                true => self.literal.entry(application).or_default().push(claim),
                false => self.patterns.push((application, claim)),
            }
        }
    }

    /// Names that two sources have, each with its last place.
    fn doubled(&self) -> Vec<((usize, Span), String)> {
        let mut found = Vec::new();
        let mut left = COMPARED;
        for (application, claims) in &self.literal {
            let [first, others @ ..] = claims.as_slice() else { continue };
            let mut others: Vec<&Claim> = others.iter().collect();
            for (pattern, claim) in self.patterns.iter().take(left) {
                left -= 1;
                if glob::matches(pattern, application) {
                    others.push(claim);
                }
            }
            for other in others.iter().filter(|other| other.source != first.source) {
                let (one, other) =
                    if first.at > other.at { (other, &first) } else { (&first, other) };
                let (application, name) = (quoted(application), quoted(&one.name));
                found.push((other.at, format!("{application} is an application of {name} too")));
            }
            if found.len() > FAULTS {
                break;
            }
        }
        found
    }
}
