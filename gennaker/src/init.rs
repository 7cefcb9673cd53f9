//! `init`: a first pipeline to go on from, which deploys what the folder has.

mod find;
mod layout;
mod text;

use crate::{arguments::Common, check, clusters, exit::Exit, read};
use anyhow::{Context, bail};
use engine_core::{diagnostic, pipeline::Missing};
use find::Found;
use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
    path::Path,
};

/// Never writes over a file that is there.
pub(crate) async fn init(common: &Common, name: Option<&str>) -> anyhow::Result<Exit> {
    let folder = std::env::current_dir()?;
    let own = folder.file_name().and_then(|name| name.to_str()).unwrap_or("service");
    let name = as_name(name.unwrap_or(own))?;
    let reach = clusters::reach(common).await?;
    let found = Found::in_folder(&folder).context("this folder cannot be looked through")?;
    let set_aside = set_aside(&found);
    let Some(layout) = layout::layout(&found, (&name, &reach.found.platform)) else {
        bail!("{}", nothing(&set_aside));
    };
    text::inventory(&found).iter().chain(&set_aside).for_each(|line| eprintln!("{line}"));
    layout.notes.iter().for_each(|note| eprintln!("note: {note}"));
    let path = Path::new(".gennaker").join(format!("{name}.yaml"));
    write(&path, &text::pipeline(&name, &layout, &found))?;
    eprintln!("wrote {}: {}", path.display(), text::stages(&layout));
    let located = read::locate(&path)?;
    let bindings = read::bindings(&[], Missing::Tolerated);
    let diagnostics = match check::compile(&located, &reach, &bindings) {
        Ok(checked) => checked.warnings,
        Err(diagnostics) => diagnostics,
    };
    check::tell(&located, &diagnostics);
    Ok(match diagnostic::has_errors(&diagnostics) {
        true => {
            eprintln!("it is not valid yet: mend this, then gennaker validate {}", path.display());
            Exit::Invalid
        }
        false => {
            eprintln!("next: gennaker plan {0} && gennaker run {0} --watch", path.display());
            Exit::Success
        }
    })
}

/// What another program renders.
fn set_aside(found: &Found) -> Vec<String> {
    let kustomizations = found.kustomizations.iter().map(|folder| {
        format!(
            "{folder} is for kustomize, which this version does not run: write what it makes to a \
             folder, as by `mkdir -p manifests/staging && kubectl kustomize {folder} > \
             manifests/staging/all.yaml`"
        )
    });
    let charts = found.charts.iter().map(|folder| {
        format!(
            "{folder} is a Helm chart, which this version does not render: write what it makes to a \
             folder, as by `mkdir -p manifests && helm template {folder} > manifests/all.yaml`"
        )
    });
    kustomizations.chain(charts).collect()
}

fn nothing(set_aside: &[String]) -> String {
    match set_aside {
        [] => "there are no Kubernetes manifests here: put some into k8s/, and say `gennaker init` \
               again. One to begin with: `mkdir -p k8s && kubectl create deployment web --image=nginx \
               --dry-run=client -o yaml > k8s/web.yaml`"
            .to_owned(),
        lines => format!("there is nothing to deploy as it is\n{}", lines.join("\n")),
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::create_dir_all(".gennaker").context("`.gennaker` cannot be made")?;
    let shown = path.display();
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{shown} is there, and is left as it is; `gennaker init NAME` writes another one")
        }
        Err(error) => return Err(error).with_context(|| format!("{shown} cannot be made")),
    };
    Ok(file.write_all(text.as_bytes())?)
}

/// The name as pipelines may have it: `a` to `z`, digits and `-`.
fn as_name(wanted: &str) -> anyhow::Result<String> {
    let letters = wanted.to_ascii_lowercase();
    let kept = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let name: String = letters.chars().map(kept).take(50).collect();
    let name = name.trim_matches('-').to_owned();
    if name.is_empty() {
        bail!("`{wanted}` has no letter that a name can have: say `gennaker init NAME`");
    }
    Ok(name)
}

#[cfg(test)]
mod tests;
