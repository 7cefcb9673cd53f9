//! Whether what only the platform's own file says can be: addresses, namespaces, times.

use super::{Part, Way, Whole};
use crate::{
    diagnostic::{Code, Diagnostic},
    expression::{Piece, pieces},
    language::Duration,
    platform::database::{NoDatabase, database_path},
};
use std::net::SocketAddr;

/// Whoever is asked about a run is asked the day after.
const SHORTEST_RETENTION_MS: u64 = 86_400_000;

pub(super) fn faults(whole: &Whole<'_>, main: &Part<'_>, faults: &mut Vec<Diagnostic>) {
    listen(whole, main, faults);
    database(whole, main, faults);
    namespaces(whole, main, faults);
    times(whole, main, faults);
}

/// Nobody who comes by a network can be told apart yet.
fn listen(whole: &Whole<'_>, main: &Part<'_>, faults: &mut Vec<Diagnostic>) {
    let Some(written) = &whole.text.server.listen else { return };
    let (message, help) = match written.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => return,
        Ok(_) => (
            "only addresses of this machine can be listened on",
            "write it as `127.0.0.1:7080` or `[::1]:7080`, and put a proxy before it",
        ),
        Err(_) => ("`listen` is no address", "write it as `127.0.0.1:7080` or `[::1]:7080`"),
    };
    let at = main.span(&[Way::Key("server"), Way::Key("listen")]);
    faults.push(Diagnostic::error(Code::E016, at, message).help(help));
}

/// One process writes in one file.
fn database(whole: &Whole<'_>, main: &Part<'_>, faults: &mut Vec<Diagnostic>) {
    let Some(written) = &whole.text.database else { return };
    let (message, help) = match database_path(written) {
        Ok(_) => return,
        Err(NoDatabase::Server(scheme)) => (
            format!("runs cannot be kept in a database of `{scheme}` in this version"),
            "write `sqlite:` and the path of a file of this machine, or leave `database` out",
        ),
        Err(NoDatabase::Path) => (
            "`database` names no file".to_owned(),
            "write it as `sqlite:gennaker.db`, within the state directory, or `sqlite:/path/gennaker.db`",
        ),
    };
    let at = main.span(&[Way::Key("database")]);
    faults.push(Diagnostic::error(Code::E016, at, message).help(help));
}

/// The application's name is all that a namespace can hang on.
fn namespaces(whole: &Whole<'_>, main: &Part<'_>, faults: &mut Vec<Diagnostic>) {
    for (name, environment) in &whole.text.environments {
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
            let fault = Diagnostic::error(Code::E005, main.span(&way), message);
            faults.push(fault.help("write `${{ application.name }}`"));
        }
    }
}

/// Nothing can be asked, or thrown away, without a pause.
fn times(whole: &Whole<'_>, main: &Part<'_>, faults: &mut Vec<Diagnostic>) {
    let text = whole.text;
    let defaults = [Way::Key("sourceDefaults"), Way::Key("poll")];
    let retention = [Way::Key("retention"), Way::Key("deliveries")];
    let fixed = [(text.source_defaults.poll, &defaults), (text.retention.deliveries, &retention)];
    for (time, way) in fixed {
        faults.extend(zero(time, main, way));
    }
    if text.retention.runs.milliseconds() < SHORTEST_RETENTION_MS {
        let at = main.span(&[Way::Key("retention"), Way::Key("runs")]);
        let fault = Diagnostic::error(Code::E016, at, "runs are kept for a day at least");
        faults.push(fault.help("write it like `365d`: who looks into a failure comes later"));
    }
    for (host, registry) in &text.registries {
        let way = [Way::Key("registries"), Way::Key(host), Way::Key("poll")];
        faults.extend(zero(registry.poll, main, &way));
    }
}

pub(super) fn zero(time: Duration, part: &Part<'_>, way: &[Way<'_>]) -> Option<Diagnostic> {
    let key = match way.last() {
        Some(Way::Key(key)) if time.is_zero() => key,
        Some(_) | None => return None,
    };
    let fault = Diagnostic::error(Code::E016, part.span(way), format!("`{key}` is no time at all"));
    Some(fault.help("write it like `1m`"))
}
