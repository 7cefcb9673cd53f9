//! What becomes a plan and is probably not what its author meant.
//!
//! These rules speak of stage types by their keys: they are rules of the language, and not of how a
//! stage type works.

mod credentials;
mod production;
mod shell;

use super::{Parameter, Stage, Written, expressions::File, upstream::Upstream};
use crate::{
    diagnostic::{Code, Diagnostic, Span, in_file_order, quoted},
    language::{Content, Node},
    plan::OnFailure,
};

const APPROVAL: &str = "approval";
const DEPLOY: &str = "deploy";
const JOB: &str = "job";
const ROLLBACK: &str = "rollback";
const WAIT_FOR_READY: &str = "waitForReady";

/// What was read of a file.
pub(super) struct Seen<'a> {
    pub(super) root: &'a Node,
    pub(super) file: File<'a>,
    pub(super) upstream: &'a Upstream<'a>,
}

impl Seen<'_> {
    /// Everything to warn of, beside the faults.
    pub(super) fn warnings(&self, faults: &[Diagnostic]) -> Vec<Diagnostic> {
        let mut warnings = credentials::warnings(self.root);
        for stage in self.file.stages {
            warnings.extend(self.unready(stage));
            warnings.extend(self.tolerated(stage));
            warnings.extend(self.rootless(stage));
            warnings.extend(self.futile(stage));
            warnings.extend(shell::warnings(stage));
        }
        warnings.extend(self.queued());
        // What could not be read might have used a parameter.
        if faults.is_empty() {
            warnings.extend(self.unused());
        }
        in_file_order(warnings)
    }

    /// W104: nothing looks whether what a deploy wrote ever works.
    fn unready(&self, stage: &Stage) -> Option<Diagnostic> {
        let action = stage.actions.iter().find(|action| action.stage_type == DEPLOY)?;
        let wait = action.node.entry("wait").filter(|entry| is_false(&entry.value))?;
        let looks = |other: &&Stage| {
            is(other, WAIT_FOR_READY)
                && self.upstream.has(&other.id, &stage.id)
                && same_place(other, stage)
        };
        if self.file.stages.iter().any(|other| looks(&other)) {
            return None;
        }
        let message =
            format!("deploy {} does not wait for anything to be ready", quoted(&stage.id));
        let help = "leave `wait` away, or let a `waitForReady` stage follow";
        Some(Diagnostic::warning(Code::W104, wait.value.span, message).help(help))
    }

    /// W109: what follows a broken deploy goes on over it.
    fn tolerated(&self, stage: &Stage) -> Option<Diagnostic> {
        if stage.on_failure != OnFailure::Continue || !is(stage, DEPLOY) {
            return None;
        }
        let message = format!("a failure of deploy {} is tolerated", quoted(&stage.id));
        let warning = Diagnostic::warning(Code::W109, self.on_failure_span(stage), message);
        Some(warning.help("use `hold` to let a person decide, or `fail`"))
    }

    /// Where `onFailure` is written: in the stage, or in the defaults.
    fn on_failure_span(&self, stage: &Stage) -> Span {
        let own = self.root.entry("stages").and_then(|all| all.value.entry(&stage.id));
        let own = own.and_then(|stage| stage.value.entry("onFailure"));
        let usual = self.root.entry("defaults").and_then(|it| it.value.entry("onFailure"));
        own.or(usual).map_or(stage.span, |entry| entry.value.span)
    }

    fn deployed_upstream(&self, stage: &Stage) -> bool {
        let deploys = |other: &Stage| {
            is(other, DEPLOY) && self.upstream.has(&stage.id, &other.id) && same_place(other, stage)
        };
        self.file.stages.iter().any(deploys)
    }

    /// W113: a rollback that undoes nothing of its own run.
    fn rootless(&self, stage: &Stage) -> Option<Diagnostic> {
        let action = stage.actions.iter().find(|action| action.stage_type == ROLLBACK)?;
        if self.deployed_upstream(stage) {
            return None;
        }
        let message = format!(
            "nothing upstream of {} deploys to its environment: it undoes what an earlier run did",
            quoted(&stage.id)
        );
        let help = "name the deploy in its `needs`: `{stage: …, status: [failed]}`";
        Some(Diagnostic::warning(Code::W113, action.key_span, message).help(help))
    }

    /// W113: a failure that takes back what its run never put there. As a default of all stages it
    /// is no failing of this one.
    fn futile(&self, stage: &Stage) -> Option<Diagnostic> {
        if stage.on_failure != OnFailure::Rollback || is(stage, DEPLOY) {
            return None;
        }
        let own = self.root.entry("stages")?.value.entry(&stage.id)?;
        let entry = own.value.entry("onFailure")?;
        if self.deployed_upstream(stage) {
            return None;
        }
        let message = format!(
            "neither {} nor anything upstream of it deploys to its environment: there is nothing to \
             take back",
            quoted(&stage.id)
        );
        let help = "name the deploy in its `needs`, or say `fail` or `hold`";
        Some(Diagnostic::warning(Code::W113, entry.value.span, message).help(help))
    }

    /// W115: who waits for a person holds the group while others stand in line.
    fn queued(&self) -> Option<Diagnostic> {
        let strategy = self.root.entry("concurrency")?.value.entry("strategy")?;
        let asks = self.file.stages.iter().find(|stage| is(stage, APPROVAL))?;
        if strategy.value.value() != "queue" {
            return None;
        }
        let message = format!("runs queue while {} waits for people", quoted(&asks.id));
        let warning = Diagnostic::warning(Code::W115, strategy.value.span, message);
        let warning = warning.also(asks.span, "it may take days");
        Some(warning.help("use `supersede`, so that a newer run ends one that only waits"))
    }

    /// W108: parameters that nobody reads.
    fn unused(&self) -> Vec<Diagnostic> {
        let Some(read) = self.file.parameters_read() else { return Vec::new() };
        let unused = self.file.parameters.iter().filter(|parameter| !read.contains(&parameter.id));
        let warning = |parameter: &Parameter| {
            let id = &parameter.id;
            let message = format!("no expression reads parameter {}", quoted(id));
            Diagnostic::warning(Code::W108, parameter.span, message)
                .help(format!("read it as `${{{{ parameters.{id} }}}}`, or take it away"))
        };
        unused.map(warning).collect()
    }
}

fn is(stage: &Stage, stage_type: &str) -> bool {
    stage.actions.iter().any(|action| action.stage_type == stage_type)
}

fn is_false(node: &Node) -> bool {
    matches!(node.content, Content::Scalar { .. }) && node.value() == false
}

/// Whether two stages act at one place, as far as that is written; what only a run can tell may be.
fn same_place(one: &Stage, other: &Stage) -> bool {
    let written = |stage: &Stage| match &stage.environment {
        Written::Present(name, _) if name.is_literal() => Some(name.preview()),
        Written::Present(..) | Written::Absent | Written::Faulty => None,
    };
    match (written(one), written(other)) {
        (Some(one), Some(other)) => one == other,
        (None, _) | (_, None) => true,
    }
}
