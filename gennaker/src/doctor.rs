//! `doctor`: whether what this program needs is there, and what to do where it is not. Every check
//! is made, all at once, and none takes long.

mod clusters;
mod engine;
mod files;
mod owners;
mod places;
mod state;

use crate::{
    arguments::{Common, Output},
    clusters as reaching,
    exit::Exit,
    platform::{self, Found},
    print::{Shown, print},
    screen::{self, Paint},
};
use anstyle::{AnsiColor, Style};
use futures::future::join_all;
use serde::Serialize;
use std::{fmt, future::Future, pin::Pin, time::Duration};

/// No check takes longer.
const DEADLINE: Duration = Duration::from_secs(20);

/// What a check came to. Field names are an interface: they are only added to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) check: String,
    pub(crate) result: Verdict,
    pub(crate) detail: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remedy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Verdict {
    Ok,
    /// It works, and is not as it should be.
    Warning,
    Failure,
}

/// Something to look at: what it is called, and what it comes to.
pub(crate) type Check<'a> = (String, Pin<Box<dyn Future<Output = Vec<Finding>> + Send + 'a>>);

impl Finding {
    pub(crate) fn ok(check: impl Into<String>, detail: impl Into<String>) -> Finding {
        let (check, detail) = (check.into(), detail.into());
        Finding { check, result: Verdict::Ok, detail, remedy: None }
    }

    pub(crate) fn warning(
        check: impl Into<String>,
        (detail, remedy): (impl Into<String>, impl Into<String>),
    ) -> Finding {
        let remedy = Some(remedy.into());
        Finding { result: Verdict::Warning, remedy, ..Finding::ok(check, detail) }
    }

    pub(crate) fn failure(
        check: impl Into<String>,
        (detail, remedy): (impl Into<String>, impl Into<String>),
    ) -> Finding {
        let remedy = Some(remedy.into());
        Finding { result: Verdict::Failure, remedy, ..Finding::ok(check, detail) }
    }
}

pub(crate) async fn doctor(common: &Common, output: Output) -> anyhow::Result<Exit> {
    let (found, platform) = look(common);
    let reach = reaching::ways(common, found.clone()).await;
    let mut checks: Vec<Check<'_>> = state::checks(common, &found);
    checks.push(engine::check(common));
    checks.push(("gennaker.yaml".to_owned(), Box::pin(std::future::ready(vec![platform]))));
    checks.extend(match &reach {
        Ok(reach) => clusters::checks(reach),
        Err(error) => {
            let finding =
                Finding::failure("clusters", (format!("{error:#}"), "mend the kubeconfig"));
            vec![("clusters".to_owned(), Box::pin(std::future::ready(vec![finding])) as _)]
        }
    });
    checks.extend(files::checks(common, &found, reach.as_ref().ok()));
    checks.extend(places::checks(common, &found, reach.as_ref().ok()));
    checks.push(owners::check(common, &found));
    let found = screen::slowly("looking", join_all(checks.into_iter().map(bounded))).await;
    let findings = Findings(found.concat());
    print(output, &findings)?;
    Ok(match findings.0.iter().map(|finding| finding.result).max() {
        Some(Verdict::Failure) => Exit::Error,
        Some(Verdict::Ok | Verdict::Warning) | None => Exit::Success,
    })
}

/// The platform's file; where it is at fault, the other checks go on without one.
fn look(common: &Common) -> (Found, Finding) {
    const CHECK: &str = "gennaker.yaml";
    let path = platform::file(common).map(|path| path.display().to_string());
    match (platform::find(common), path) {
        (Ok(found), Some(path)) => (found, Finding::ok(CHECK, format!("{path} is valid"))),
        (Ok(found), None) => {
            (found, Finding::ok(CHECK, "there is none here, so nothing is restricted"))
        }
        (Err(error), _) => {
            let told = format!("{error:#}").trim().to_owned();
            let remedy = "mend it; `gennaker schema --kind config` prints what it may say";
            (Found::default(), Finding::failure(CHECK, (told, remedy)))
        }
    }
}

async fn bounded((name, check): Check<'_>) -> Vec<Finding> {
    match tokio::time::timeout(DEADLINE, check).await {
        Ok(findings) => findings,
        Err(_) => {
            let detail = format!("it did not come to an end within {DEADLINE:?}");
            let remedy = "look whether the disk or the network it needs is slow or gone";
            vec![Finding::failure(name, (detail, remedy))]
        }
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Findings(Vec<Finding>);

impl Shown for Findings {
    fn table(&self) {
        let paint = Paint::of(&std::io::stdout());
        for Finding { check, result, detail, remedy } in &self.0 {
            let mut lines = detail.lines();
            let first = lines.next().unwrap_or_default();
            println!("{} {check:<18} {first}", result.painted(paint));
            lines.for_each(|line| println!("{:29}{line}", ""));
            if let Some(remedy) = remedy {
                println!("{:29}-> {remedy}", "");
            }
        }
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(|finding| finding.check.clone()).collect()
    }
}

impl Verdict {
    fn painted(self, paint: Paint) -> String {
        let colour = match self {
            Verdict::Ok => AnsiColor::Green,
            Verdict::Warning => AnsiColor::Yellow,
            Verdict::Failure => AnsiColor::Red,
        };
        let style = Style::new().fg_color(Some(colour.into()));
        match paint {
            Paint::Plain => format!("{:<9}", self.to_string()),
            Paint::Coloured => format!("{style}{:<9}{style:#}", self.to_string()),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Failure => "failure",
        })
    }
}
