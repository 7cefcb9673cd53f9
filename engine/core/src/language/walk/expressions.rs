//! Text with `${{ }}`: where it may stand, and what its value may become.

use super::{
    super::{
        alternatives::{Allowed, Kind, alternatives, kinds},
        tree::Node,
    },
    Expressions, Owner, Secrets, Verdict, Walk,
};
use crate::{
    diagnostic::{Code, Diagnostic},
    expression::{Piece, pieces},
    stage::CONDITION_FORMAT,
};
use serde_json::Value;

/// Where secrets may stand.
pub(crate) const SECRET_PLACES: &str =
    "`${{ secrets.NAME }}` stands in `env` of a job, and in `headers` and `body` of `http`";

impl Walk<'_> {
    /// Judges a text that holds `${{`. What stands in the braces is looked at when all stages and
    /// parameters are known.
    pub(super) fn expression(
        &mut self,
        schema: &Value,
        (text, node): (&str, &Node),
        owner: &Owner,
    ) -> Verdict {
        let refused = |message: String| Diagnostic::error(Code::E005, node.span, message);
        let leaves = match alternatives(self.definitions, schema) {
            Allowed::Anything => Vec::new(),
            Allowed::OneOf(leaves) => leaves,
        };
        if leaves.iter().any(|leaf| leaf.get("format") == Some(&Value::from(CONDITION_FORMAT))) {
            let message = format!("{} is an expression by itself", owner.name);
            return self.fault(refused(message).help("leave `${{ }}` away"));
        }
        if self.expressions == Expressions::Refused {
            let message = format!("{} is the same in every run: no `${{{{ }}}}` here", owner.name);
            let help = "expressions stand in `environment` and in what a stage does";
            return self.fault(refused(message).help(help));
        }
        let takes_text =
            leaves.is_empty() || leaves.iter().any(|leaf| kinds(leaf).contains(&Kind::Text));
        let has_secret =
            |pieces: &[Piece]| pieces.iter().any(|piece| matches!(piece, Piece::Secret(_)));
        match pieces(text) {
            Err(fault) => self.fault(refused(fault.message).maybe_help(fault.help)),
            Ok(pieces) if has_secret(&pieces) && self.secrets == Secrets::Refused => {
                let message = format!("no secret may stand in {}", owner.name);
                self.fault(refused(message).help(SECRET_PLACES))
            }
            Ok(pieces) => match pieces.as_slice() {
                [Piece::Expression(_)] => Verdict::Sound,
                _ if takes_text => Verdict::Sound,
                _ => {
                    let message = format!("{} is no text: it cannot be put together", owner.name);
                    self.fault(refused(message).help("let one `${{ }}` be the whole value"))
                }
            },
        }
    }
}
