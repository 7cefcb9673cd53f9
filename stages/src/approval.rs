//! `approval`: goes on when people have said yes.

mod inputs;
#[cfg(test)]
mod tests;

use engine_core::{
    event::{Actor, Signal, Signalled},
    expression::{Kind, Shape},
    files::{Files, Step as PathStep},
    latest::Latest,
    parameter::ParameterText,
    plan::{Effect, OnTimeout, Timeout},
    platform::{Approver, Panel, Platform, Subject},
    stage::{
        Asked, EnvironmentUse, Fault, FaultCode, Outputs, Refusal, Stage, StageError, Step,
        StepContext, Traits, WaitReason, Wake,
    },
    status::WaitKind,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// Asks the people of a platform.
#[derive(Default)]
pub struct Approval {
    pub platform: Latest<Platform>,
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
    /// Values that a yes must give, declared as parameters are; if several people must say yes, all
    /// give the same. Later stages read them as `stages.<id>.outputs.inputs`.
    #[serde(default)]
    #[schemars(
        extend(
            "x-expressions" = false,
            "propertyNames" = {"type": "string", "format": "gennaker-id"}
        ),
        example = json!({"percent": {"type": "number", "required": true}})
    )]
    inputs: BTreeMap<String, ParameterText>,
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

    fn heard(_progress: &mut Self::Progress) -> Vec<&mut String> {
        Vec::new()
    }

    fn on_timeout(config: &Config) -> OnTimeout {
        config.on_timeout
    }

    fn check(config: &Config, _files: &Files) -> Vec<Fault> {
        config.input_faults()
    }

    fn outputs(config: &Config) -> Shape {
        let input = |(id, text): (&String, &ParameterText)| (id.clone(), Shape::Of(text.kind()));
        let inputs = Shape::Fields(config.inputs.iter().map(input).collect());
        let by = Shape::Of(Kind::List);
        Shape::Fields(BTreeMap::from([("inputs".to_owned(), inputs), ("by".to_owned(), by)]))
    }

    fn check_here(&self, config: &Config) -> Vec<Fault> {
        let approvers = config.approvers.iter().flatten().enumerate();
        let unknown = approvers.filter_map(|(index, approver)| {
            let Approver::Unknown { message, help } = self.platform.now().approver(approver) else {
                return None;
            };
            let place = vec![PathStep::Key("approvers".to_owned()), PathStep::Index(index)];
            Some(Fault { code: FaultCode::Unknown, place, message, help: Some(help) })
        });
        unknown.collect()
    }

    fn refusal(&self, config: &Config, asked: &Asked<'_>, answer: &Signalled) -> Refusal {
        self.judge((config, asked), &self.counted(config, asked), answer)
    }

    async fn step(
        &self,
        context: StepContext,
        config: Config,
        _progress: (),
    ) -> Result<Step<()>, StageError> {
        let environments = context.services.environments();
        let asked = Asked {
            starter: &context.starter,
            signals: &context.signals,
            application: &context.identity.application,
            environments: &environments,
        };
        let counted = self.counted(&config, &asked);
        if let Some(no) = counted.iter().find(|answer| answer.signal == Signal::Reject) {
            return Err(StageError::Rejected(words(no)));
        }
        // All who count gave the same values.
        let values = counted.first().map(|yes| config.values(yes));
        let values = values.transpose().map_err(StageError::Failure)?.unwrap_or_default();
        let by: Vec<&str> = counted.iter().map(|answer| answer.actor.name.as_str()).collect();
        if by.len() >= config.minimum as usize {
            let mut outputs = Outputs::new();
            outputs.insert("by".to_owned(), json!(by));
            outputs.insert("inputs".to_owned(), json!(values));
            return Ok(Step::Done { outputs, records: Vec::new() });
        }
        Ok(Step::Wait {
            progress: (),
            wake: Wake::default(),
            reason: WaitReason {
                kind: WaitKind::Approval,
                detail: config.detail(&context.starter, (&by, &values)),
            },
            records: Vec::new(),
        })
    }
}

impl Approval {
    /// The answers that count, each judged as if it came now: the list is a stored one, and whoever
    /// has lost the right meanwhile counts no more.
    fn counted<'a>(&self, config: &Config, asked: &Asked<'a>) -> Vec<&'a Signalled> {
        let mut counted = Vec::new();
        for answer in asked.signals {
            if self.judge((config, asked), &counted, answer) == Refusal::None {
                counted.push(answer);
            }
        }
        counted
    }

    fn judge(
        &self,
        (config, asked): (&Config, &Asked<'_>),
        counted: &[&Signalled],
        answer: &Signalled,
    ) -> Refusal {
        let name = &answer.actor.name;
        let subject = Subject {
            starter: asked.starter,
            application: asked.application,
            environments: asked.environments,
        };
        if let Some(why) = config.panel().objection(&self.platform.now(), subject, name) {
            return Refusal::Because(why);
        }
        if counted.iter().any(|before| before.actor.name == *name) {
            return Refusal::Because(format!("{name} has answered already"));
        }
        match answer.signal {
            Signal::Approve => config.agreed(counted.first().copied(), answer),
            Signal::Reject
            | Signal::Retry
            | Signal::Continue
            | Signal::Abort
            | Signal::RollBack
            | Signal::Yes
            | Signal::No => Refusal::None,
        }
    }
}

fn words(no: &Signalled) -> String {
    match no.reason.as_str() {
        "" => format!("{} said no", no.actor.name),
        reason => format!("{} said no: {reason}", no.actor.name),
    }
}

impl Config {
    fn panel(&self) -> Panel<'_> {
        let exclude_triggerer = self.exclude_triggerer;
        Panel { approvers: self.approvers.as_deref(), exclude_triggerer }
    }

    /// A yes that gives what is asked for, and the same as the one before.
    fn agreed(&self, before: Option<&Signalled>, yes: &Signalled) -> Refusal {
        let values = match self.values(yes) {
            Ok(values) => values,
            Err(reason) => return Refusal::Unfit(reason),
        };
        match before.map(|before| (&before.actor.name, self.values(before))) {
            Some((other, Ok(theirs))) if theirs != values => Refusal::Unfit(format!(
                "{other} said yes to {}, and this is {}: all must say yes to the same, or one no",
                inputs::told(&theirs),
                inputs::told(&values)
            )),
            Some(_) | None => Refusal::None,
        }
    }

    fn detail(&self, starter: &Actor, (by, values): (&[&str], &Outputs)) -> String {
        let minimum = self.minimum;
        let yes = match (by, values.is_empty()) {
            ([], _) => String::new(),
            (by, true) => format!(" ({})", by.join(", ")),
            (by, false) => format!(" ({}: {})", by.join(", "), inputs::told(values)),
        };
        let mut detail = format!(
            "{} of {minimum} approvals{yes}; {} may answer{}",
            by.len(),
            self.panel().others(starter),
            self.asks_for()
        );
        if let Some(message) = &self.message {
            detail = format!("{message}: {detail}");
        }
        detail
    }
}
