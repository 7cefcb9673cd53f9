//! What expressions read of the event that started a run, which not every trigger of a file has.

use super::{
    Placed, Time,
    names::{Names, PAYLOAD, TRIGGER},
};
use crate::{
    diagnostic::{Code, Diagnostic, quoted},
    expression::{Guard, Kind, Read},
    pipeline::Trigger,
};

impl Names<'_> {
    /// The fields that events of `trigger` have beside those of all.
    fn fields(&self, trigger: &Trigger) -> &'static [(&'static str, Kind)] {
        let kind = trigger.kinds.first().and_then(|kind| self.types.get(&kind.trigger_type));
        kind.map_or(&[], |kind| kind.fields())
    }

    pub(super) fn field_kind(&self, placed: &Placed<'_>, field: &str) -> Kind {
        let own = || placed.trigger.into_iter().chain(self.triggers);
        let mut fields = own().flat_map(|trigger| self.fields(trigger));
        fields.find(|(name, _)| *name == field).map_or(Kind::Any, |(_, kind)| *kind)
    }

    pub(super) fn trigger_fault(&self, placed: &Placed<'_>, read: &Read) -> Option<Diagnostic> {
        let field = read.path.get(1)?.as_str();
        if TRIGGER.contains(&field) {
            return None;
        }
        let within: &[Trigger] = placed.trigger.map_or(self.triggers, std::slice::from_ref);
        let fields = within.iter().flat_map(|trigger| self.fields(trigger));
        let mut known: Vec<&str> =
            TRIGGER.into_iter().chain(fields.map(|(name, _)| *name)).collect();
        if placed.time != Time::Event {
            known.retain(|name| *name != PAYLOAD);
        }
        known.sort_unstable();
        known.dedup();
        if !known.contains(&field) {
            let message = format!("there is no field {}", quoted(field));
            let help = match field == PAYLOAD {
                true => HAND_OVER.to_owned(),
                false => format!("known here: {}", known.join(", ")),
            };
            return Some(placed.fault(Code::E005, message).help(help));
        }
        if placed.time == Time::Event || read.guard == Guard::Has {
            return None;
        }
        let message = format!("not every trigger has `trigger.{field}`: a person starts runs too");
        Some(placed.fault(Code::E020, message).help(HAND_OVER))
    }
}

const HAND_OVER: &str =
    "declare a parameter, and let the trigger's `parameters` hand the value over";
