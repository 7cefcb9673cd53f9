//! The stable codes of diagnostics, and what each means.

use super::Severity;
use std::fmt;

macro_rules! codes {
    ($($(#[$meta:meta])* $code:ident = $explanation:literal),* $(,)?) => {
        /// What kind of fault it is. Codes are never used again for something else.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[$meta])* $code),* }

        impl Code {
            pub const ALL: &[Code] = &[$(Code::$code),*];

            pub fn word(self) -> &'static str {
                match self { $(Code::$code => stringify!($code)),* }
            }

            /// What the code means and what to do, in a few sentences.
            pub fn explain(self) -> &'static str {
                match self { $(Code::$code => $explanation),* }
            }

            /// A file that shows the code, and the same put right.
            pub fn example(self) -> Example {
                match self {
                    $(Code::$code => Example {
                        wrong: include_str!(
                            concat!("examples/", stringify!($code), ".wrong.yaml")
                        ),
                        right: include_str!(
                            concat!("examples/", stringify!($code), ".right.yaml")
                        ),
                    }),*
                }
            }
        }
    };
}

/// Two pipeline files that differ in one thing. Beside them stands `k8s/web.yaml`, a Deployment
/// of `registry.example.com/shop/web`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    pub wrong: &'static str,
    pub right: &'static str,
}

impl Code {
    /// What it weighs unless somebody is strict.
    pub fn severity(self) -> Severity {
        match self.word().starts_with('W') {
            true => Severity::Warning,
            false => Severity::Error,
        }
    }
}

codes! {
    /// Unknown key.
    E001 = "A key that the language does not have at this place. Keys are camelCase and never \
        ignored, so that a slip of the pen cannot switch off a setting. Only keys at the top that \
        begin with `x-` are free: they are a place for anchors.",
    /// Unknown stage in `needs`.
    E002 = "`needs` names a stage that this file does not have. Stages are named by their id, the \
        key under `stages`, not by their `name`.",
    /// A ring of needs.
    E003 = "Stages need each other in a ring, so that none of them could ever start. The whole \
        ring is listed; take one of its needs away.",
    /// A required parameter has no value.
    E004 = "A parameter is `required`, has no default, and whoever starts the run gave no value. \
        On the command line a value is given by `-p name=value`.",
    /// An expression is broken.
    E005 = "An expression does not compile, is larger than the limits, cannot be true or false \
        where it must be, reads a name or field that is not there, or stands where there may be \
        none. Expressions are CEL: bare in conditions such as `when`, in `${{ }}` within other \
        text.",
    /// Not upstream.
    E006 = "An expression reads a stage that need not have ended before its own begins. Name it \
        in `needs`, or in the `needs` of a stage that is needed.",
    /// An unknown name.
    E007 = "A name that must be known outside the file is not. Environments, people, groups and the \
        hosts that pipelines may ask are named in gennaker.yaml, if there is one. Secrets come from \
        environment variables `GENNAKER_SECRET_<NAME>` and from the directory of secrets, one file \
        each, of the engine that drives the run.",
    /// Bad duration, zone, glob.
    E008 = "A text that must have a form of its own, such as a duration or a glob, has not. \
        Durations are one whole number and one unit: `90s`, `15m`, `6h`, `2d`.",
    /// A manifest is missing or does not render.
    E011 = "A manifest path leads to no file, or what stands there cannot be read as Kubernetes \
        objects. Paths are relative to the root of the pipeline's repository.",
    /// Duplicate key.
    E013 = "The same key stands twice in one map. YAML readers differ in which of the two they \
        take, so neither is taken: remove one.",
    /// None or several actions.
    E014 = "A stage does exactly one thing: it has exactly one key that names a stage type, such \
        as `deploy` or `wait`. Split a stage that has several into several stages joined by \
        `needs`.",
    /// Not readable.
    E015 = "The file cannot be read as one YAML document within the limits: valid UTF-8 without \
        NUL, at most 512 KiB, 32 levels deep, 100 aliases, and 20,000 values and 1 MiB of text \
        after aliases are expanded. Or it has too much of something, such as stages, expressions \
        or cells: `docs/limits.md` lists what may be.",
    /// Missing or wrong value.
    E016 = "A value is missing, of the wrong type, out of range, not one of the known words, or \
        written so that YAML 1.1 and YAML 1.2 read it differently (`yes`, `0644`, `1:30`): quote \
        what is meant as text. Tags, keys without a value and empty guarding lists are refused.",
    /// An `images` key matches nothing.
    E017 = "A key under `images` matches no container image of the rendered manifests, so that it \
        would replace nothing. A key is an image's full name without tag, or its last part.",
    /// Two deploys of one component to one environment.
    E018 = "Two stages deploy the same component to the same environment, so that each would prune \
        what the other has put there. Give one of them another `component`.",
    /// A secret or another pipeline that is not granted.
    E019 = "The platform's file, gennaker.yaml, does not grant the secret to this application in \
        this environment: whoever keeps that file adds it to `secrets.grants`; a stage that names \
        no environment needs a grant for all of them (`\"*\"`, the default). Or a stage starts a \
        pipeline whose `callers` do not have this application: whoever keeps that one adds it there. \
        Or the file comes from a repository to which `sources` of gennaker.yaml does not give the \
        application or the environment: a name in a pipeline's file grants nothing.",
    /// A trigger's field that not every trigger has.
    E020 = "An expression reads a field of the event that started the run, and not every event has \
        it: a person can always start the pipeline too. Declare a parameter, and let the trigger's \
        own `parameters` hand the value over; or guard the field by `has()`. What a webhook sends \
        (`trigger.payload`) is seen by nothing but the trigger itself.",
    /// A push to any branch.
    W101 = "A trigger `git` says no `branches`, so that a push to any branch of the source starts a \
        run, release branches and old ones alike. Name those that are meant.",
    /// Any image, or a tag that moves.
    W102 = "A trigger `image` says nothing of `tags`, or names one that moves, such as `latest`: \
        whatever is pushed starts a run, whoever built it. Say which versions are meant, as in \
        `tags: {semver: \">=1\"}`.",
    /// Production without anybody's yes.
    W103 = "gennaker.yaml says `production: true` of the environment, and a deploy or job there may \
        begin without anybody having said yes: no approval stands before it, or only one whose no \
        would do as well (`status: any`). Whoever can start the pipeline changes production. Let the \
        stage need an `approval`, itself or by what it needs.",
    /// Deploy without readiness.
    W104 = "A deploy says `wait: false`, and no `waitForReady` follows it in its environment: the \
        stage succeeds as soon as the objects are written, even if no pod ever starts. Leave \
        `wait` away, or let a `waitForReady` stage need the deploy.",
    /// A webhook without proof.
    W106 = "A trigger `webhook` says `verify: none`: whoever reaches the engine starts a run. Such a \
        run never reaches an environment with `production: true`. Name a scheme and a secret.",
    /// Unused parameter.
    W108 = "A parameter is declared, and no expression of the file reads it: whoever gives it a \
        value changes nothing. Use it, or take it away.",
    /// `continue` on a deploy.
    W109 = "A deploy that fails is tolerated, so that its dependents go on over objects of which \
        some were replaced and some were not. Use `hold` to let a person decide, or `fail`.",
    /// Literal that looks like a credential.
    W112 = "A text looks like a token, a password or a private key. A file in a repository is read \
        by many and kept for ever. Take the value away, and make it invalid where it came from: it \
        is no secret any more.",
    /// Rollback with nothing deployed upstream.
    W113 = "A rollback brings an environment back to what it ran before, but no stage upstream of \
        it deploys there: it would undo what some earlier run did. Name the deploy in its `needs`, \
        such as `{stage: staging, status: [failed]}`. The same is told of `onFailure: rollback` where \
        neither the stage nor anything upstream deploys: what the run has changed goes back, and \
        that is nothing.",
    /// A parameter inside a shell command.
    W114 = "The value of a parameter or of the trigger is put into a command that a shell reads: \
        whoever gives the value writes a part of the program. Hand it over by `env`, and let the \
        shell read the variable, quoted: `\"$TAG\"`.",
    /// `queue` with an approval.
    W115 = "Runs of the group go first in, first out, and a stage waits for people: as long as \
        nobody answers, no later run starts, and the one that is approved at last may be the \
        oldest. With `supersede` a newer run ends older ones that only wait.",
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.word())
    }
}
