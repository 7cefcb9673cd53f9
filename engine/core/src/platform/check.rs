//! What the parts of the platform's file say of each other.

use super::PlatformText;
use crate::{
    diagnostic::{Code, Diagnostic, Span, quoted},
    expression::{Piece, pieces},
    language::{Node, Walk, closest},
    limits::FAULTS,
};

/// A place in the file, by the keys and numbers that lead there.
enum Way<'a> {
    Key(&'a str),
    Item(usize),
}

/// Of what could be read: where `people` is at fault, nothing is said of their names.
pub(super) fn faults(text: &PlatformText, (root, walk): (&Node, &Walk<'_>)) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    if root.entry("people").is_none_or(|entry| walk.is_sound(&entry.value)) {
        names(text, root, &mut faults);
        groups(text, root, &mut faults);
        roles(text, root, &mut faults);
    }
    namespaces(text, root, &mut faults);
    faults
}

fn span(root: &Node, way: &[Way<'_>]) -> Span {
    let mut node = root;
    for step in way {
        let next = match step {
            Way::Key(key) => node.entry(key).map(|entry| &*entry.value),
            Way::Item(index) => node.items().get(*index).map(|item| &**item),
        };
        match next {
            Some(next) => node = next,
            None => break,
        }
    }
    node.span
}

/// Names of people have no `:`: what an actor is called is never taken for something else. A login
/// name is one person's.
fn names(text: &PlatformText, root: &Node, faults: &mut Vec<Diagnostic>) {
    let mut logins: Vec<(&str, &str)> = Vec::new();
    for (name, user) in &text.people.users {
        let at = span(root, &[Way::Key("people"), Way::Key("users"), Way::Key(name)]);
        if name.contains(':') || name.trim() != name || name.is_empty() {
            let message = format!("{} is no name of a person", quoted(name));
            faults
                .push(Diagnostic::error(Code::E016, at, message).help("leave `:` and spaces out"));
        }
        let Some(unix) = user.unix.as_deref() else { continue };
        if let Some((_, other)) = logins.iter().find(|(login, _)| *login == unix) {
            let message = format!("{} and {} have one login name", quoted(other), quoted(name));
            let way = [Way::Key("people"), Way::Key("users"), Way::Key(name), Way::Key("unix")];
            let fault = Diagnostic::error(Code::E016, span(root, &way), message);
            faults.push(fault.help("an account belongs to one person"));
        }
        logins.push((unix, name));
    }
}

fn groups(text: &PlatformText, root: &Node, faults: &mut Vec<Diagnostic>) {
    for (group, members) in &text.people.groups {
        for (index, member) in members.iter().enumerate() {
            let way = [Way::Key("people"), Way::Key("groups"), Way::Key(group), Way::Item(index)];
            faults.extend(unknown_user(text, member, span(root, &way)));
            // What comes after these is not told.
            if faults.len() > FAULTS {
                return;
            }
        }
    }
}

fn roles(text: &PlatformText, root: &Node, faults: &mut Vec<Diagnostic>) {
    for (at, role) in text.roles.iter().flatten().enumerate() {
        for (index, to) in role.to.iter().enumerate() {
            let way = [Way::Key("roles"), Way::Item(at), Way::Key("to"), Way::Item(index)];
            let place = span(root, &way);
            match to.split_once(':') {
                Some(("user", user)) => faults.extend(unknown_user(text, user, place)),
                Some((_, group)) => faults.extend(unknown_group(text, group, place)),
                None => {}
            }
            if faults.len() > FAULTS {
                return;
            }
        }
    }
}

fn unknown_user(text: &PlatformText, user: &str, place: Span) -> Option<Diagnostic> {
    let known = text.people.users.keys().map(String::as_str);
    unknown(("user", "users"), (user, place), known)
}

fn unknown_group(text: &PlatformText, group: &str, place: Span) -> Option<Diagnostic> {
    let known = text.people.groups.keys().map(String::as_str);
    unknown(("group", "groups"), (group, place), known)
}

fn unknown<'a>(
    (what, key): (&str, &str),
    (name, place): (&str, Span),
    known: impl Iterator<Item = &'a str> + Clone,
) -> Option<Diagnostic> {
    if known.clone().any(|it| it == name) {
        return None;
    }
    let help = match closest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("name it under `people: {{{key}: …}}`"),
    };
    let message = format!("there is no {what} {}", quoted(name));
    Some(Diagnostic::error(Code::E007, place, message).help(help))
}

/// The application's name is all that a namespace can hang on.
fn namespaces(text: &PlatformText, root: &Node, faults: &mut Vec<Diagnostic>) {
    for (name, environment) in &text.environments {
        let Some(namespace) = &environment.namespace else { continue };
        let parts = pieces(namespace).unwrap_or_default();
        let is_known = |piece: &Piece| match piece {
            Piece::Text(_) => true,
            Piece::Expression(source) => source == "application.name",
            Piece::Secret(_) => false,
        };
        if !parts.iter().all(is_known) {
            let way = [Way::Key("environments"), Way::Key(name), Way::Key("namespace")];
            let message = "a namespace hangs on nothing but the application";
            let fault = Diagnostic::error(Code::E005, span(root, &way), message);
            faults.push(fault.help("write `${{ application.name }}`"));
        }
    }
}
