//! Layers: defaults, file, environment. Finds unknown keys and wrong values, all of them at once.

use std::collections::BTreeSet;
use std::path::Path;

use figment::error::Kind;
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::error::{Problem, Problems};
use super::secret_files::{CREDENTIALS, SecretFiles};
use super::{Config, ConfigError, DEFAULTS};

const PREFIX: &str = "MESEJ_";

/// A text of settings.
#[derive(Debug, Clone, Copy)]
pub(super) struct SettingsFile<'a> {
    /// What it is called in messages.
    pub(super) name: &'a str,
    pub(super) text: &'a str,
    /// Where it was read from, if it was.
    pub(super) path: Option<&'a Path>,
}

/// One source of settings, in which only known keys are left.
struct Layer<'a> {
    metadata: Metadata,
    settings: Dict,
    /// The file that it was read from.
    path: Option<&'a Path>,
}

impl Provider for Layer<'_> {
    fn metadata(&self) -> Metadata {
        self.metadata.clone()
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.settings.clone())]))
    }
}

pub(super) fn load(
    file: Option<SettingsFile<'_>>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let mut problems = Vec::new();
    let defaults = parse_file("the compiled-in defaults", DEFAULTS, &mut problems);
    let known = keys_of(&defaults);
    let mut layers = vec![Layer {
        metadata: Metadata::named("the compiled-in defaults"),
        settings: defaults.clone(),
        path: None,
    }];
    if let Some(SettingsFile { name, text, path }) = file {
        let mut settings = parse_file(name, text, &mut problems);
        refuse_unknown(&mut settings, &known, |_| name.to_owned(), &mut problems);
        layers.push(Layer {
            metadata: Metadata::named(name.to_owned()),
            settings,
            path,
        });
    }
    let environment: Vec<(String, String)> = environment.into_iter().collect();
    let credentials = environment.iter().find(|(name, _)| name == CREDENTIALS);
    let mut files = SecretFiles::new(credentials.map(|(_, folder)| folder.into()));
    let mut settings = parse_environment(environment, (&defaults, &known), &mut problems);
    refuse_unknown(&mut settings, &known, variable, &mut problems);
    let metadata = Metadata::named(ENVIRONMENT);
    layers.push(Layer {
        metadata,
        settings,
        path: None,
    });
    for layer in layers.iter_mut().rev() {
        for unusable in files.resolve(&mut layer.settings, layer.path) {
            problems.push(Problem {
                message: format!("`{}` {}", unusable.key, unusable.reason),
                source: Some(name_of(&layer.metadata, table_key(&unusable.key))),
            });
        }
    }

    let figment = layers.into_iter().fold(Figment::new(), Figment::merge);
    let config = extract(figment.clone(), &defaults, &mut problems);
    if let Some(mut config) = config {
        files.note_if_exposed(&config.server.tls_key, "`server.tls_key`");
        config.exposed = files.exposed;
        let mut found = Problems::default();
        config.check(&mut found);
        problems.extend(found.0.into_iter().map(|problem| Problem {
            source: source_of(&figment, &problem.key),
            message: format!("`{}` {}", problem.key, problem.message),
        }));
        if problems.is_empty() {
            return Ok(config);
        }
    }
    Err(ConfigError::Invalid(problems))
}

const ENVIRONMENT: &str = "the environment";
/// The section whose keys have no defaults.
const PLANS: &str = "plans";

fn variable(key: &str) -> String {
    format!(
        "environment variable {PREFIX}{}",
        key.replace('.', "__").to_ascii_uppercase()
    )
}

/// The table key that a longer key, perhaps with list indices, belongs to: `whatsapp.apps` of `whatsapp.apps[0].name`.
fn table_key(key: &str) -> &str {
    key.split('[').next().unwrap_or(key)
}

fn source_of(figment: &Figment, key: &str) -> Option<String> {
    let key = table_key(key);
    Some(name_of(figment.find_metadata(key)?, key))
}

/// What a source of a setting is called.
fn name_of(metadata: &Metadata, key: &str) -> String {
    if metadata.name == ENVIRONMENT {
        variable(key)
    } else {
        metadata.name.to_string()
    }
}

fn parse_file(name: &str, text: &str, problems: &mut Vec<Problem>) -> Dict {
    toml::from_str(text).unwrap_or_else(|error| {
        // Not as the library shows it, which is with the line: a secret may stand there.
        let line = error.span().map(|span| {
            let before = text.get(..span.start).unwrap_or(text);
            format!("line {}: ", before.matches('\n').count().saturating_add(1))
        });
        problems.push(Problem {
            message: format!("not TOML: {}{}", line.unwrap_or_default(), error.message()),
            source: Some(name.to_owned()),
        });
        Dict::new()
    })
}

/// Takes `MESEJ_SECTION__KEY` variables. A text setting is taken as it stands, anything else is read as TOML.
fn parse_environment(
    environment: impl IntoIterator<Item = (String, String)>,
    (defaults, known): (&Dict, &BTreeSet<String>),
    problems: &mut Vec<Problem>,
) -> Dict {
    let mut settings = Dict::new();
    for (name, text) in environment {
        let Some(path) = name.strip_prefix(PREFIX) else {
            continue;
        };
        // Without a double underscore it is not a setting: MESEJ_CONFIG, MESEJ_URL.
        if !path.contains("__") {
            problems.extend(slip(&name, path, known));
            continue;
        }
        let key = path.to_ascii_lowercase().replace("__", ".");
        let default = defaults_at(defaults, &key);
        let value = match default {
            _ if key.starts_with("plans.") => toml_value(&text),
            Some(Value::Array(..) | Value::Num(..) | Value::Bool(..)) => toml_value(&text),
            _ => Some(Value::from(text)),
        };
        match value {
            Some(value) => insert(&mut settings, &key, value),
            None => problems.push(Problem {
                message: format!("`{key}` cannot be read as TOML"),
                source: Some(format!("environment variable {name}")),
            }),
        }
    }
    settings
}

fn toml_value(text: &str) -> Option<Value> {
    let table = toml::from_str::<Dict>(&format!("value = {text}"));
    table.ok().and_then(|mut table| table.remove("value"))
}

/// Variables that are no settings: the command line reads them, tests and rigs do.
const OTHERS: &[&str] = &[
    "CONFIG",
    "URL",
    "ADMIN_TOKEN",
    "KEY",
    "ACCESS_TOKEN",
    "INSECURE_HTTP",
    "CRASH_AT",
    "CRASH_LOG",
    "FIXTURES",
];
/// What rigs and tests call theirs, and what Kubernetes makes of a service called `mesej`.
const OF_OTHERS: &[&str] = &["TEST_", "CQL_", "SERVICE_", "PORT"];

/// A sentence for each variable that begins like ours and that nothing reads.
pub(crate) fn strangers(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let is_known = |name: &str| {
        name.contains("__")
            || OTHERS.contains(&name)
            || OF_OTHERS.iter().any(|beginning| name.starts_with(beginning))
    };
    names
        .into_iter()
        .filter_map(|name| {
            let own = name.strip_prefix(PREFIX).filter(|own| !is_known(own))?;
            let full: Vec<String> = OTHERS.iter().map(|other| format!("{PREFIX}{other}")).collect();
            let near = nearest(own, OTHERS.iter().copied()).is_some();
            let hint = did_you_mean(&name, full.iter().map(String::as_str));
            let hint = if near { hint.as_str() } else { "" };
            Some(format!("nothing reads the variable `{name}`{hint}"))
        })
        .collect()
}

/// A setting's name with one underscore too few between section and key would do nothing, and nobody would know.
fn slip(name: &str, path: &str, known: &BTreeSet<String>) -> Option<Problem> {
    let meant = known
        .iter()
        .find(|key| key.replace('.', "_").eq_ignore_ascii_case(path))?;
    Some(Problem {
        message: format!(
            "unknown variable `{name}`: did you mean `{PREFIX}{}`?",
            meant.replace('.', "__").to_ascii_uppercase()
        ),
        source: None,
    })
}

fn defaults_at<'a>(defaults: &'a Dict, key: &str) -> Option<&'a Value> {
    let (section, rest) = key.split_once('.')?;
    defaults.get(section)?.as_dict()?.get(rest)
}

fn insert(settings: &mut Dict, key: &str, value: Value) {
    let Some((head, rest)) = key.split_once('.') else {
        settings.insert(key.to_owned(), value);
        return;
    };
    let slot = settings
        .entry(head.to_owned())
        .or_insert_with(|| Value::from(Dict::new()));
    if let Value::Dict(_, inner) = slot {
        insert(inner, rest, value);
    }
}

/// Every `section.key` of the defaults.
fn keys_of(defaults: &Dict) -> BTreeSet<String> {
    defaults
        .iter()
        .filter_map(|(section, value)| Some((section, value.as_dict()?)))
        .flat_map(|(section, keys)| keys.keys().map(move |key| format!("{section}.{key}")))
        .collect()
}

/// Reports and removes what is not known.
fn refuse_unknown(
    settings: &mut Dict,
    known: &BTreeSet<String>,
    source: impl Fn(&str) -> String,
    problems: &mut Vec<Problem>,
) {
    let mut refuse = |key: &str| {
        problems.push(Problem {
            message: format!(
                "unknown key `{key}`{}",
                did_you_mean(key, known.iter().map(String::as_str))
            ),
            source: Some(source(key)),
        });
    };
    settings.retain(|section, value| {
        let Value::Dict(_, keys) = value else {
            refuse(section);
            return false;
        };
        keys.retain(|key, _| {
            let key = format!("{section}.{key}");
            // Whoever writes the settings names plans.
            let is_known = section == PLANS || known.contains(&key);
            if !is_known {
                refuse(&key);
            }
            is_known
        });
        !keys.is_empty()
    });
}

/// Bytes of a name that is compared with those that are known.
const LONGEST_COMPARED: usize = 64;

/// ": did you mean `…`?" with the nearest name, or nothing when none is near.
fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |candidate| format!(": did you mean `{candidate}`?"))
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (distance, candidate) = known
        // Comparing takes time by the square of the length.
        .filter(|_| name.len() <= LONGEST_COMPARED)
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .min()?;
    (distance * 2 < name.len()).then_some(candidate)
}

/// Parses all values. A wrong one is reported and replaced by its default, so that the next wrong one is found too.
fn extract(mut figment: Figment, defaults: &Dict, problems: &mut Vec<Problem>) -> Option<Config> {
    let most = keys_of(defaults).len();
    for _ in 0..=most {
        let error = match figment.extract::<Config>() {
            Ok(config) => return Some(config),
            Err(error) => error,
        };
        let path: Vec<&str> = error.path.iter().map(String::as_str).collect();
        let key = path.iter().take(2).copied().collect::<Vec<_>>().join(".");
        problems.push(Problem {
            message: explain(&error, &path),
            source: source_of(&figment, &key),
        });
        let default = defaults_at(defaults, &key)?.clone();
        figment = figment.merge((key, default));
    }
    None
}

fn explain(error: &figment::Error, path: &[&str]) -> String {
    let key = path
        .iter()
        .fold(String::new(), |key, part| match part.parse::<usize>() {
            Ok(index) => format!("{key}[{index}]"),
            Err(_) if key.is_empty() => (*part).to_owned(),
            Err(_) => format!("{key}.{part}"),
        });
    let in_words = |expected: &str| match expected {
        "usize" | "u64" | "u32" => "a whole number".to_owned(),
        other => other.to_owned(),
    };
    let secret = ["token", "secret", "password", "whatsapp.apps"]
        .iter()
        .any(|word| key.contains(word));
    match &error.kind {
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) if secret => {
            format!("`{key}` must be {}", in_words(expected))
        }
        Kind::InvalidType(actual, expected) | Kind::InvalidValue(actual, expected) => {
            format!("`{key}` must be {}, not {actual}", in_words(expected))
        }
        Kind::UnknownVariant(actual, expected) => {
            let names: Vec<String> = expected.iter().map(|name| format!("{name:?}")).collect();
            format!("`{key}` must be {}, not {actual:?}", names.join(" or "))
        }
        Kind::UnknownField(name, expected) => {
            let name = name.rsplit('.').next().unwrap_or(name);
            let table = key.strip_suffix(&format!(".{name}")).unwrap_or(&key);
            format!(
                "unknown key `{table}.{name}`{}",
                did_you_mean(name, expected.iter().copied())
            )
        }
        Kind::MissingField(name) => format!("`{key}` lacks `{name}`"),
        Kind::Message(text) if text.starts_with("must ") => format!("`{key}` {text}"),
        _ if secret => format!("`{key}` cannot be read"),
        other => format!("`{key}`: {other}"),
    }
}
