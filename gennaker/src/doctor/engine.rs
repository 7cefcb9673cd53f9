//! The engine that commands would ask.

use super::{Check, Finding};
use crate::{
    arguments::Common,
    client::{self, Client},
};

const CHECK: &str = "engine";

pub(super) fn check(common: &Common) -> Check<'_> {
    (CHECK.to_owned(), Box::pin(async move { vec![asked(common).await] }))
}

async fn asked(common: &Common) -> Finding {
    match client::engine(common).await {
        Ok(Some(client)) => answers(&client).await,
        Ok(None) => {
            Finding::ok(CHECK, "none listens here; `run` and `serve` start one, others read")
        }
        Err(error) => {
            let remedy = "look whose it is: `--socket-group` lets a group in";
            Finding::failure(CHECK, (format!("{error:#}"), remedy))
        }
    }
}

async fn answers(client: &Client) -> Finding {
    let name = client.name();
    let gone = "start one by `gennaker serve`, or leave --server and GENNAKER_SERVER out";
    let figures = match client.text("/metrics").await {
        Ok(figures) => figures,
        Err(error) => return Finding::failure(CHECK, (format!("{error:#}"), gone)),
    };
    let ready = match client.text("/readyz").await {
        Ok(ready) => ready,
        Err(error) => {
            let detail = format!("{name} is not ready: {error:#}");
            return Finding::failure(CHECK, (detail, "look at what it logs"));
        }
    };
    if let Some(refused) = ready.lines().find_map(|line| line.strip_prefix(engine_api::REFUSED)) {
        let remedy = "mend that file; it is read again when it changes";
        return Finding::failure(CHECK, (format!("{name} answers, and {refused}"), remedy));
    }
    let (own, its) = (env!("CARGO_PKG_VERSION"), version(&figures));
    match its {
        Some(its) if its == own => Finding::ok(CHECK, format!("{name} answers, version {its}")),
        its => {
            let its = its.unwrap_or("unknown");
            let detail = format!("{name} is of version {its}, this program of {own}");
            Finding::warning(CHECK, (detail, "use one version for both"))
        }
    }
}

/// The version of an engine, by its figures.
fn version(figures: &str) -> Option<&str> {
    let line = figures.lines().find(|line| line.starts_with("gennaker_build_info"))?;
    let (_, rest) = line.split_once("version=\"")?;
    Some(rest.split_once('"')?.0)
}
