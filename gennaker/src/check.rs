//! `validate`: every fault of every file.

use crate::{
    arguments::{Common, Format},
    clusters,
    exit::Exit,
    read::{self, Located},
    screen::Paint,
};
use engine_core::{
    Pipeline, Plan,
    diagnostic::{self, Colour, Diagnostic},
    pipeline::{Bindings, Missing},
    plan::Environments,
};
use kubernetes::Clusters;
use sha2::{Digest, Sha256};
use std::path::PathBuf;

pub(crate) async fn validate(
    common: &Common,
    paths: &[PathBuf],
    format: Format,
) -> anyhow::Result<Exit> {
    let environments = clusters::reach(common).await?.unasked();
    let (mut exit, mut all) = (Exit::Success, Vec::new());
    for path in paths {
        let located = read::locate(path)?;
        let bindings = read::bindings(&[], Missing::Tolerated);
        if let Err(diagnostics) = compile(&located, &environments, &bindings) {
            exit = Exit::Invalid;
            match format {
                Format::Human => tell(&located, &diagnostics),
                Format::Json | Format::Sarif | Format::Github => {
                    all.extend(diagnostic::json(&located.source, &diagnostics))
                }
            }
        } else if format == Format::Human {
            eprintln!("{} is valid", path.display());
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

/// A plan to look at: its content is named by plain hashes, and it is never run.
pub(crate) fn compile(
    located: &Located,
    environments: &Environments,
    bindings: &Bindings,
) -> Result<Plan, Vec<Diagnostic>> {
    let registry = stages::registry(&Clusters::default());
    let pipeline = Pipeline::read(&located.source, &registry).bound(bindings);
    let name = |content: &[u8]| engine_core::id::BlobName(hex::encode(Sha256::digest(content)));
    let files = read::files(&located.root, &pipeline.files(&registry), name);
    Plan::compile(&pipeline, environments, &registry, &files)
}

pub(crate) fn tell(located: &Located, diagnostics: &[Diagnostic]) {
    let colour = match Paint::of(&std::io::stderr()) {
        Paint::Plain => Colour::Never,
        Paint::Coloured => Colour::Always,
    };
    eprint!("{}", diagnostic::human(&located.source, diagnostics, colour));
}
