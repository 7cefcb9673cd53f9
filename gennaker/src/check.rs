//! `validate`: every fault of every file.

use crate::{
    arguments::{Common, Format},
    callees,
    clusters::{self, Reach},
    exit::Exit,
    read::{self, Located},
    screen::Paint,
};
use engine_core::{
    Pipeline, Plan,
    diagnostic::{self, Colour, Diagnostic, Severity},
    expression::remembering,
    pipeline::{Bindings, Missing},
};
use sha2::{Digest, Sha256};
use std::path::PathBuf;

pub(crate) async fn validate(
    common: &Common,
    paths: &[PathBuf],
    (format, strictness): (Format, Strictness),
) -> anyhow::Result<Exit> {
    let reach = clusters::reach(common).await?;
    let (mut exit, mut all) = (Exit::Success, Vec::new());
    for path in paths {
        let located = read::locate(path)?;
        let bindings = read::bindings(&[], Missing::Tolerated);
        let mut diagnostics = match compile(&located, &reach, &bindings) {
            Ok(checked) => checked.warnings,
            Err(diagnostics) => diagnostics,
        };
        strictness.weigh(&mut diagnostics);
        let is_valid = !diagnostic::has_errors(&diagnostics);
        if !is_valid {
            exit = Exit::Invalid;
        }
        match format {
            Format::Human => {
                tell(&located, &diagnostics);
                if is_valid {
                    eprintln!("{} is valid", path.display());
                }
            }
            Format::Json | Format::Sarif | Format::Github => {
                all.extend(diagnostic::json(&located.source, &diagnostics))
            }
        }
    }
    match format {
        Format::Human => {}
        Format::Json => println!("{}", serde_json::to_string_pretty(&all)?),
        Format::Sarif => println!("{:#}", diagnostic::sarif(&all)),
        Format::Github => print!("{}", diagnostic::github(&all)),
    }
    Ok(exit)
}

/// Whether a warning makes a file invalid.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strictness {
    Usual,
    Strict,
}

impl Strictness {
    fn weigh(self, diagnostics: &mut [Diagnostic]) {
        match self {
            Strictness::Usual => {}
            Strictness::Strict => {
                diagnostics.iter_mut().for_each(|it| it.severity = Severity::Error);
            }
        }
    }
}

/// A plan, and what is probably not meant in its file.
pub(crate) struct Checked {
    pub(crate) plan: Plan,
    pub(crate) warnings: Vec<Diagnostic>,
}

/// A plan to look at: its content is named by plain hashes, and it is never run.
pub(crate) fn compile(
    located: &Located,
    reach: &Reach,
    bindings: &Bindings,
) -> Result<Checked, Vec<Diagnostic>> {
    remembering(|| compiled(located, reach, bindings))
}

fn compiled(
    located: &Located,
    reach: &Reach,
    bindings: &Bindings,
) -> Result<Checked, Vec<Diagnostic>> {
    let registry = reach.offline();
    let pipeline = Pipeline::read(&located.source, &registry).bound(bindings);
    let name = |content: &[u8]| engine_core::id::BlobName(hex::encode(Sha256::digest(content)));
    let left = read::Allowance::default();
    let files = read::files(&located.root, &pipeline.files(&registry), (name, &left));
    let plan = Plan::compile(&pipeline, &reach.unasked(), &registry, &files)?;
    callees::beside(located, (&registry, &name))?;
    Ok(Checked { plan, warnings: pipeline.warnings(&reach.unasked()) })
}

/// Tells of a file, if there is something to tell.
pub(crate) fn tell(located: &Located, diagnostics: &[Diagnostic]) {
    let colour = match Paint::of(&std::io::stderr()) {
        Paint::Plain => Colour::Never,
        Paint::Coloured => Colour::Always,
    };
    eprint!("{}", diagnostic::human(&located.source, diagnostics, colour));
}
