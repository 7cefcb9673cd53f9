//! `approval`: goes on when people have said yes.

use engine_core::{
    event::{Actor, Signal, Signalled},
    files::Step as PathStep,
    plan::{Effect, OnTimeout, Timeout},
    platform::{Approver, Leave, Platform, Right},
    stage::{
        Asked, EnvironmentUse, Fault, FaultCode, Outputs, Refusal, Stage, StageError, Step,
        StepContext, Traits, WaitReason, Wake,
    },
    status::WaitKind,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};

/// Asks the people of a platform.
#[derive(Default)]
pub struct Approval {
    pub platform: Arc<Platform>,
}

/// Asks people before the run goes on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Config {
    /// Who may answer: `user:mo`, or `group:sre` of gennaker.yaml. Without it, anybody but who started
    /// the run; where gennaker.yaml has roles, who holds `approve` on the environments downstream.
    #[serde(default)]
    #[schemars(
        length(min = 1),
        inner(regex(pattern = "^(user|group):.+$")),
        example = ["user:mo", "user:kit"]
    )]
    approvers: Option<Vec<String>>,
    /// How many must say yes. One no is enough to reject.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100), example = 2)]
    minimum: u32,
    /// Whether who started the run may not answer.
    #[serde(default = "yes")]
    #[schemars(example = false)]
    exclude_triggerer: bool,
    /// What is asked.
    #[serde(default)]
    #[schemars(example = &"Does staging look right?")]
    message: Option<String>,
    /// What silence means.
    #[serde(default = "reject")]
    #[schemars(example = &"fail")]
    on_timeout: OnTimeout,
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}

fn reject() -> OnTimeout {
    OnTimeout::Reject
}

impl Stage for Approval {
    const TYPE: &'static str = "approval";
    const TRAITS: Traits = Traits {
        environment: EnvironmentUse::Optional,
        effect: Effect::Reads,
        default_timeout: Timeout::AfterMs(72 * 60 * 60 * 1_000),
    };
    type Config = Config;
    type Progress = ();

    fn on_timeout(config: &Config) -> OnTimeout {
        config.on_timeout
    }

    fn check_here(&self, config: &Config) -> Vec<Fault> {
        let approvers = config.approvers.iter().flatten().enumerate();
        let unknown = approvers.filter_map(|(index, approver)| {
            let Approver::Unknown { message, help } = self.platform.approver(approver) else {
                return None;
            };
            let place = vec![PathStep::Key("approvers".to_owned()), PathStep::Index(index)];
            Some(Fault { code: FaultCode::Unknown, place, message, help: Some(help) })
        });
        unknown.collect()
    }

    fn refusal(&self, config: &Config, asked: &Asked<'_>, answer: &Signalled) -> Refusal {
        let name = &answer.actor.name;
        if config.exclude_triggerer && asked.starter.name == *name {
            let others = config.others(asked.starter);
            return Refusal::Because(format!("{name} started the run, so {others} must answer"));
        }
        if !self.is_listed(config, name) {
            let others = config.others(asked.starter);
            return Refusal::Because(format!("{name} is none of the approvers: {others}"));
        }
        let (who, what) =
            ((name.as_str(), Right::Approve), (asked.application, asked.environments));
        if self.platform.right(who, what) == Leave::Refused {
            return Refusal::Because(Platform::lacks(who, what));
        }
        if asked.signals.iter().any(|before| before.actor.name == *name) {
            return Refusal::Because(format!("{name} has answered already"));
        }
        Refusal::None
    }

    async fn step(
        &self,
        context: StepContext,
        config: Config,
        _progress: (),
    ) -> Result<Step<()>, StageError> {
        let taken = self.taken(&config, &context);
        if let Some(no) = taken.iter().find(|answer| answer.signal == Signal::Reject) {
            return Err(StageError::Rejected(words(no)));
        }
        let by: Vec<&str> = taken.iter().map(|answer| answer.actor.name.as_str()).collect();
        if by.len() >= config.minimum as usize {
            let mut outputs = Outputs::new();
            outputs.insert("by".to_owned(), json!(by));
            return Ok(Step::Done { outputs, records: Vec::new() });
        }
        Ok(Step::Wait {
            progress: (),
            wake: Wake::default(),
            reason: WaitReason {
                kind: WaitKind::Approval,
                detail: config.detail(&context.starter, &by),
            },
            records: Vec::new(),
        })
    }
}

impl Approval {
    /// The answers that count, each judged as if it came now: the list is a stored one, and whoever
    /// has lost the right meanwhile counts no more.
    fn taken<'a>(&self, config: &Config, context: &'a StepContext) -> Vec<&'a Signalled> {
        if context.signals.is_empty() {
            return Vec::new();
        }
        let (mut seen, environments) = (BTreeSet::new(), context.services.environments());
        let counts = |answer: &&Signalled| {
            let asked = Asked {
                starter: &context.starter,
                signals: &[],
                application: &context.identity.application,
                environments: &environments,
            };
            Stage::refusal(self, config, &asked, answer) == Refusal::None
                && seen.insert(answer.actor.name.clone())
        };
        context.signals.iter().filter(counts).collect()
    }

    fn is_listed(&self, config: &Config, name: &str) -> bool {
        let means = |approver: &String| self.platform.means(approver, name);
        config.approvers.as_ref().is_none_or(|approvers| approvers.iter().any(means))
    }
}

fn words(no: &Signalled) -> String {
    match no.reason.as_str() {
        "" => format!("{} said no", no.actor.name),
        reason => format!("{} said no: {reason}", no.actor.name),
    }
}

impl Config {
    /// Who could answer.
    fn others(&self, starter: &Actor) -> String {
        let Some(approvers) = &self.approvers else {
            return if self.exclude_triggerer { "somebody else" } else { "anybody" }.to_owned();
        };
        let names = approvers.iter().map(|approver| approver.trim_start_matches("user:"));
        let others = names.filter(|name| !self.exclude_triggerer || *name != starter.name);
        match others.collect::<Vec<_>>().as_slice() {
            [] => "nobody on its list".to_owned(),
            others => others.join(" or "),
        }
    }

    fn detail(&self, starter: &Actor, by: &[&str]) -> String {
        let minimum = self.minimum;
        let yes = if by.is_empty() { String::new() } else { format!(" ({})", by.join(", ")) };
        let mut detail = format!(
            "{} of {minimum} approvals{yes}; {} may answer",
            by.len(),
            self.others(starter)
        );
        if let Some(message) = &self.message {
            detail = format!("{message}: {detail}");
        }
        detail
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine_core::event::Way;

    fn person(name: &str) -> Actor {
        Actor { name: name.to_owned(), way: Way::CommandLine }
    }

    fn answer(name: &str) -> Signalled {
        Signalled::new(Signal::Approve, person(name), "")
    }

    fn refused(config: serde_json::Value, name: &str, before: &[Signalled]) -> String {
        let config: Config = serde_json::from_value(config).unwrap();
        let starter = person("mo");
        let asked =
            Asked { starter: &starter, signals: before, application: "web", environments: &[] };
        match Stage::refusal(&Approval::default(), &config, &asked, &answer(name)) {
            Refusal::None => String::new(),
            Refusal::Because(reason) => reason,
        }
    }

    #[test]
    fn nobody_approves_their_own_run_unless_its_author_lets_them() {
        let named = json!({"approvers": ["user:mo", "user:kit"]});
        for (config, name, told) in [
            (json!({}), "mo", "mo started the run, so somebody else must answer"),
            (json!({}), "kit", ""),
            (json!({"excludeTriggerer": false}), "mo", ""),
            (named.clone(), "mo", "mo started the run, so kit must answer"),
            (named.clone(), "kit", ""),
            (named, "eve", "eve is none of the approvers: kit"),
            (
                json!({"approvers": ["user:mo"]}),
                "mo",
                "mo started the run, so nobody on its list must answer",
            ),
        ] {
            assert_eq!(refused(config.clone(), name, &[]), told, "{config} {name}");
        }
    }

    #[test]
    fn nobody_counts_twice() {
        assert_eq!(refused(json!({}), "kit", &[answer("kit")]), "kit has answered already");
    }
}
