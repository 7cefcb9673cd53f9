//! Whose yes counts: who is named, holds the right, and did not start the run.

use super::{Leave, Platform, Right};
use crate::person::Actor;

/// Who is asked.
#[derive(Clone, Copy, Debug)]
pub struct Panel<'a> {
    /// `user:NAME` and `group:NAME`; anybody, if nobody is named.
    pub approvers: Option<&'a [String]>,
    /// Whether who started the run may not answer.
    pub exclude_triggerer: bool,
}

/// What they are asked about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Who started the run.
    pub starter: &'a Actor,
    pub application: &'a str,
    pub environments: &'a [String],
}

impl Panel<'_> {
    /// Why somebody's answer does not count, by the rights of now.
    pub fn objection(
        &self,
        platform: &Platform,
        subject: Subject<'_>,
        name: &str,
    ) -> Option<String> {
        let Subject { starter, application, environments } = subject;
        if self.exclude_triggerer && platform.has_started(name, starter) {
            let others = self.others(starter);
            return Some(format!("{name} started the run, so {others} must answer"));
        }
        let means = |approver: &String| platform.means(approver, name);
        if !self.approvers.is_none_or(|approvers| approvers.iter().any(means)) {
            return Some(format!("{name} is none of the approvers: {}", self.others(starter)));
        }
        let (who, what) = ((name, Right::Approve), (application, environments));
        match platform.right(who, what) {
            Leave::Granted => None,
            Leave::Refused => Some(Platform::lacks(who, what)),
        }
    }

    /// Who could answer.
    pub fn others(&self, starter: &Actor) -> String {
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
}
