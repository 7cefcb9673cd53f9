//! Whether the rules of environments name people and environments that are there.

use super::{Part, Way, Whole, people::nobody, unknown};
use crate::{
    diagnostic::{Code, Diagnostic, quoted},
    limits::FAULTS,
};

pub(super) fn faults(whole: &Whole<'_>, main: &Part<'_>, faults: &mut Vec<Diagnostic>) {
    for (name, environment) in &whole.text.environments {
        let Some(rules) = &environment.rules else { continue };
        let way = [Way::Key("environments"), Way::Key(name), Way::Key("rules")];
        for (at, before) in rules.after.iter().enumerate() {
            let span = main.span(&[way[0], way[1], way[2], Way::Key("after"), Way::Item(at)]);
            if before == name {
                let message = format!("{} cannot come after itself", quoted(name));
                let fault = Diagnostic::error(Code::E016, span, message);
                faults.push(fault.help("name an environment that comes before"));
                continue;
            }
            let known = whole.text.environments.keys().map(String::as_str);
            let remedy = "name it under `environments`";
            faults.extend(unknown(("environment", remedy), (before, span), known));
        }
        let approvers = rules.approval.iter().flat_map(|approval| &approval.approvers);
        for (at, approver) in approvers.enumerate().filter(|_| whole.is_sound("people")) {
            let approval = [way[0], way[1], way[2], Way::Key("approval")];
            let list = [approval.as_slice(), &[Way::Key("approvers"), Way::Item(at)]].concat();
            faults.extend(nobody(whole, approver, main.span(&list)));
        }
        if faults.len() > FAULTS {
            return;
        }
    }
}
