//! The rules of an environment: what must hold before a stage acts there, whatever its pipeline says.
//!
//! `approval` and `branches` are judged before an attempt, from what the run's log knows
//! ([`Case::judge`]); `after` and `images` in the step that knows the images, before its first write.
//! What cannot be judged is closed.

use super::{Panel, Platform, RuleApprovalText, RulesText, Subject};
use crate::{
    clock::Civil,
    event::{Signal, Signalled},
    execution::ROLLBACK,
    glob::matches,
    person::Actor,
    plan::{Origin, Place},
    stage::Refusal,
};

/// The stage type that brings what is new.
const DEPLOY: &str = "deploy";
/// Branches and patterns that a sentence names.
const NAMES: usize = 10;

/// All that a verdict hangs on beside the platform's file.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    pub stage: String,
    pub stage_type: String,
    pub environment: String,
    pub application: String,
    pub place: Option<Place>,
    /// Who started the run.
    pub starter: Actor,
    /// The commit that the run is pinned to.
    pub origin: Option<Origin>,
    /// The approvals before it that have had their yes.
    pub prior: Vec<Prior>,
    /// What people answered to rules of this environment in this run, oldest first; and at which
    /// stage.
    pub answers: Vec<(String, Signalled)>,
}

/// An `approval` stage that has succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prior {
    pub stage: String,
    pub by: Vec<String>,
}

/// What the rules say of a stage that is about to act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No rule guards the environment here.
    Unguarded,
    /// Each sentence says how a rule is met.
    Met { by: Vec<String> },
    /// People are asked.
    Asks { detail: String },
    /// A freeze holds it: why, and from when on it does not, as far as can be told.
    Frozen { detail: String, opens: Option<Civil> },
    /// Somebody said no.
    Rejected { because: String },
    /// It will not be met, however long the stage waits.
    Closed { because: String },
}

impl Platform {
    /// The rules of an environment, if it has any.
    pub fn rules(&self, environment: &str) -> Option<&RulesText> {
        self.environment(environment)?.rules.as_ref()
    }
}

impl Case {
    /// What the rules of now say.
    pub fn judge(&self, platform: &Platform) -> Verdict {
        if let Some(place) = &self.place
            && let Err(because) = platform.confines((&self.environment, &self.application), place)
        {
            return Verdict::Closed { because };
        }
        let Some(rules) = platform.rules(&self.environment) else { return Verdict::Unguarded };
        let mut by = Vec::new();
        // A way back goes to what was there, whatever commit its run is of.
        if !rules.branches.is_empty() && self.stage_type != ROLLBACK {
            match self.branch(&rules.branches) {
                Ok(met) => by.push(met),
                Err(because) => return Verdict::Closed { because },
            }
        }
        if let Some(approval) = &rules.approval {
            match self.approval(platform, approval) {
                Verdict::Met { by: met } => by.extend(met),
                other @ (Verdict::Unguarded
                | Verdict::Asks { .. }
                | Verdict::Frozen { .. }
                | Verdict::Rejected { .. }
                | Verdict::Closed { .. }) => return other,
            }
        }
        if by.is_empty() { Verdict::Unguarded } else { Verdict::Met { by } }
    }

    /// The same for a way back that goes forward to what a run of this commit had deployed: that is a
    /// deploy of it.
    #[must_use]
    pub fn deploying(&self, origin: Option<Origin>) -> Case {
        Case { stage_type: DEPLOY.to_owned(), origin, ..self.clone() }
    }

    /// Why an answer to the rules is not taken.
    pub fn refusal(&self, platform: &Platform, answer: &Signalled) -> Refusal {
        let rules = platform.rules(&self.environment);
        // Nobody is asked any more: the stage is judged anew, and goes on.
        let Some(approval) = rules.and_then(|rules| rules.approval.as_ref()) else {
            return Refusal::None;
        };
        if !answer.inputs.is_empty() {
            return Refusal::Unfit("a rule asks for no inputs".to_owned());
        }
        let name = &answer.actor.name;
        if let Some(why) = approval.panel().objection(platform, self.subject(), name) {
            return Refusal::Because(why);
        }
        match self.counted(platform, approval).iter().any(|(_, it)| it.actor.name == *name) {
            true => Refusal::Because(format!("{name} has answered already")),
            false => Refusal::None,
        }
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            starter: &self.starter,
            application: &self.application,
            environments: std::slice::from_ref(&self.environment),
        }
    }

    fn branch(&self, patterns: &[String]) -> Result<String, String> {
        let (environment, wanted) = (&self.environment, named(patterns));
        let Some(Origin { commit, branches, .. }) = &self.origin else {
            return Err(format!(
                "environment `{environment}` takes only commits of the branches {wanted}, and this \
                 run is of no commit: let a push or another trigger of its repository start it"
            ));
        };
        let fits = |branch: &&String| patterns.iter().any(|pattern| matches(pattern, branch));
        match branches.iter().find(fits) {
            Some(branch) => Ok(format!("branch {branch} leads to commit {commit}")),
            None => Err(format!(
                "environment `{environment}` takes only commits of the branches {wanted}, and \
                 commit {commit} was of {} when the run began: merge it, and start a new run",
                named(branches)
            )),
        }
    }

    fn approval(&self, platform: &Platform, rule: &RuleApprovalText) -> Verdict {
        let counted = self.counted(platform, rule);
        let no = |(stage, it): &&(String, Signalled)| {
            it.signal == Signal::Reject && *stage == self.stage
        };
        if let Some((_, no)) = counted.iter().find(|it| no(it)) {
            let name = &no.actor.name;
            let because = match no.reason.as_str() {
                "" => format!("{name} said no"),
                reason => format!("{name} said no: {reason}"),
            };
            return Verdict::Rejected { because };
        }
        let minimum = usize::try_from(rule.minimum).unwrap_or(usize::MAX);
        let yes = counted.iter().filter(|(_, it)| it.signal == Signal::Approve);
        let yes: Vec<&str> = yes.map(|(_, it)| it.actor.name.as_str()).collect();
        if yes.len() >= minimum {
            return Verdict::Met { by: vec![format!("approved by {}", yes.join(", "))] };
        }
        if let Some(prior) = self.prior.iter().find(|it| self.fulfils(platform, rule, it)) {
            let Prior { stage, by } = prior;
            return Verdict::Met {
                by: vec![format!("approved by {} at `{stage}`", by.join(", "))],
            };
        }
        Verdict::Asks { detail: self.detail(rule, &yes) }
    }

    /// The answers that count, each judged as if it came now: whoever has lost the right meanwhile
    /// counts no more.
    fn counted(&self, platform: &Platform, rule: &RuleApprovalText) -> Vec<&(String, Signalled)> {
        let mut counted: Vec<&(String, Signalled)> = Vec::new();
        for answer in &self.answers {
            let (stage, Signalled { actor, signal, .. }) = answer;
            // A no is to the stage that asked; a yes is to the environment.
            let concerns = *signal == Signal::Approve || *stage == self.stage;
            let is_new = counted.iter().all(|(_, before)| before.actor.name != actor.name);
            let objection = || rule.panel().objection(platform, self.subject(), &actor.name);
            if concerns && is_new && objection().is_none() {
                counted.push(answer);
            }
        }
        counted
    }

    /// Whether a yes that was given before would be enough for the rule as well.
    fn fulfils(&self, platform: &Platform, rule: &RuleApprovalText, prior: &Prior) -> bool {
        let counts = |name: &&String| {
            rule.panel().objection(platform, self.subject(), name.as_str()).is_none()
        };
        let count = prior.by.iter().filter(counts).count();
        count >= usize::try_from(rule.minimum).unwrap_or(usize::MAX)
    }

    fn detail(&self, rule: &RuleApprovalText, yes: &[&str]) -> String {
        let given = match yes {
            [] => String::new(),
            yes => format!(" ({})", yes.join(", ")),
        };
        let (environment, minimum) = (&self.environment, rule.minimum);
        let others = rule.panel().others(&self.starter);
        let asked = format!(
            "environment `{environment}` wants a yes: {} of {minimum} approvals{given}; {others} \
             may answer",
            yes.len()
        );
        match &rule.message {
            Some(message) => format!("{message}: {asked}"),
            None => asked,
        }
    }
}

impl RuleApprovalText {
    fn panel(&self) -> Panel<'_> {
        let exclude_triggerer = self.exclude_triggerer;
        Panel { approvers: Some(&self.approvers), exclude_triggerer }
    }
}

impl RulesText {
    /// Whether `images` lets an image in that has these names, with its registry each: alone, and with
    /// its digest, or its tag if it has none.
    pub fn takes(&self, names: [&str; 2]) -> bool {
        let fits = |pattern: &String| names.iter().any(|name| matches(pattern, name));
        self.images.is_empty() || self.images.iter().any(fits)
    }

    /// What the rules will ask, a sentence each.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        words.extend(self.approval.as_ref().map(|it| {
            let names = it.approvers.iter().map(|name| name.trim_start_matches("user:"));
            let names: Vec<&str> = names.collect();
            let but = if it.exclude_triggerer { ", but not who started the run" } else { "" };
            format!("{} of {} must say yes{but}", it.minimum, names.join(", "))
        }));
        let listed = [
            ("a commit of the branches", &self.branches),
            ("images that are good in", &self.after),
            ("images like", &self.images),
        ];
        for (what, names) in listed {
            if !names.is_empty() {
                words.push(format!("{what} {}", named(names)));
            }
        }
        words
    }
}

/// The first names of a list.
fn named(names: &[String]) -> String {
    match (names.len(), names.get(..NAMES)) {
        (0, _) => "none".to_owned(),
        (count, Some(first)) if count > NAMES => {
            format!("{} and {} more", first.join(", "), count - NAMES)
        }
        (_, _) => names.join(", "),
    }
}

#[cfg(test)]
mod tests;
