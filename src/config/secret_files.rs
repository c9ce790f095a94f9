//! Secrets that stand in files of their own: `file:/run/secrets/token`, or `credential:token` for one that systemd hands over.
//!
//! What a file holds takes the place of the setting's text before anything is checked, so that a secret from a file has to be
//! as good as one that stands in the settings.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use figment::value::{Dict, Value};
use zeroize::Zeroizing;

/// The variable that names the folder of credentials.
pub(super) const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
/// Bytes of a file. A secret has some tens.
const LONGEST: u64 = 4 << 10;

/// What was read, and what was found about it.
#[derive(Debug, Default)]
pub(super) struct SecretFiles {
    credentials: Option<PathBuf>,
    /// Settings that were looked at: those of layers below are not in force.
    seen: BTreeSet<String>,
    /// Settings of the layer in hand whose secrets stand in it.
    inline: Vec<String>,
    /// A sentence for each file that other users of the machine can read.
    pub(super) exposed: Vec<String>,
}

/// A setting whose file cannot be used.
#[derive(Debug)]
pub(super) struct Unusable {
    pub(super) key: String,
    pub(super) reason: String,
}

impl SecretFiles {
    pub(super) fn new(credentials: Option<PathBuf>) -> Self {
        Self {
            credentials,
            ..Self::default()
        }
    }

    /// Puts what the files hold into a layer's settings, and notes whether others can read the file that the layer comes from if
    /// secrets stand in it. Layers above come first.
    pub(super) fn resolve(&mut self, settings: &mut Dict, origin: Option<&Path>) -> Vec<Unusable> {
        self.inline.clear();
        let unusable = self.resolve_all(settings);
        if let (Some(origin), false) = (origin, self.inline.is_empty()) {
            let keys: Vec<String> = self.inline.iter().map(|key| format!("`{key}`")).collect();
            self.note_if_exposed(origin, &keys.join(", "));
        }
        unusable
    }

    fn resolve_all(&mut self, settings: &mut Dict) -> Vec<Unusable> {
        let mut unusable = Vec::new();
        for (section, key) in [
            ("server", "admin_token"),
            ("store", "password"),
            ("mail", "password"),
            ("media", "s3_secret_key"),
            ("payments", "webhook_secrets"),
            ("whatsapp", "apps"),
        ] {
            let Some(Value::Dict(_, keys)) = settings.get_mut(section) else {
                continue;
            };
            let Some(value) = keys.get_mut(key) else { continue };
            let key = format!("{section}.{key}");
            if !self.seen.insert(key.clone()) {
                continue;
            }
            match value {
                Value::Array(_, secrets) if section == "payments" => {
                    for (at, secret) in secrets.iter_mut().enumerate() {
                        self.put(secret, format!("{key}[{at}]"), &mut unusable);
                    }
                }
                Value::Array(_, apps) => self.resolve_apps(apps, &key, &mut unusable),
                secret => self.put(secret, key, &mut unusable),
            }
        }
        unusable
    }

    fn resolve_apps(&mut self, apps: &mut [Value], key: &str, unusable: &mut Vec<Unusable>) {
        for (index, app) in apps.iter_mut().enumerate() {
            let Value::Dict(_, app) = app else { continue };
            let key = format!("{key}[{index}]");
            if let Some(token) = app.get_mut("verify_token") {
                self.put(token, format!("{key}.verify_token"), unusable);
            }
            if let Some(Value::Array(_, secrets)) = app.get_mut("app_secrets") {
                for (at, secret) in secrets.iter_mut().enumerate() {
                    self.put(secret, format!("{key}.app_secrets[{at}]"), unusable);
                }
            }
        }
    }

    fn put(&mut self, value: &mut Value, key: String, unusable: &mut Vec<Unusable>) {
        let Value::String(_, text) = value else { return };
        let read = if let Some(path) = text.strip_prefix("file:") {
            self.file(Path::new(path), &key)
        } else if let Some(name) = text.strip_prefix("credential:") {
            self.credential(name)
        } else {
            if !text.is_empty() {
                self.inline.push(key);
            }
            return;
        };
        *text = read.unwrap_or_else(|reason| {
            // It stands for a good one, so that nothing else is said of it.
            let stands_in = format!("no secret but a place: {key}");
            unusable.push(Unusable { key, reason });
            stands_in
        });
    }

    fn file(&mut self, path: &Path, key: &str) -> Result<String, String> {
        let secret = read(path)?;
        self.note_if_exposed(path, &format!("`{key}`"));
        Ok(secret)
    }

    /// Notes whether others can read a file that holds these settings.
    pub(super) fn note_if_exposed(&mut self, path: &Path, keys: &str) {
        if readable_by_others(path) {
            let path = path.display();
            self.exposed.push(format!(
                "every user of this machine can read {path} ({keys}): `chmod o= {path}`"
            ));
        }
    }

    fn credential(&self, name: &str) -> Result<String, String> {
        let folder = self.credentials.as_ref().ok_or_else(|| {
            format!("must be credentials of systemd's, and {CREDENTIALS} is not set: `LoadCredential=` in the unit")
        })?;
        let is_name = !name.is_empty() && !name.contains('/') && !matches!(name, "." | "..");
        if !is_name {
            return Err("must name a credential, without slashes".to_owned());
        }
        read(&folder.join(name))
    }
}

/// Whether users who are neither the file's owner nor in its group can open it: it lets them read, and every folder above it lets
/// them through. Where a folder is closed to others, what is in it may be 0444, as containers' secrets are.
pub fn readable_by_others(path: &Path) -> bool {
    let mode = |path: &Path| Some(std::fs::metadata(path).ok()?.permissions().mode());
    // Links are followed first: the folders that count are those of the file itself.
    let Ok(path) = path.canonicalize() else {
        return false;
    };
    mode(&path).is_some_and(|mode| mode & 0o004 != 0)
        && path
            .ancestors()
            .skip(1)
            // What cannot be told is held to be open.
            .all(|folder| mode(folder).is_none_or(|mode| mode & 0o001 != 0))
}

/// A file's only line. Editors and shells end it; nothing else is taken away.
fn read(path: &Path) -> Result<String, String> {
    let fails =
        |why: &dyn std::fmt::Display| format!("must name a file that can be read: {}: {why}", path.display());
    // A pipe would be waited for until somebody writes to it.
    let found = std::fs::metadata(path).map_err(|error| fails(&error))?;
    if !found.is_file() || found.len() > LONGEST {
        return Err(fails(&"it is not a regular file of at most 4 KiB"));
    }
    let file = std::fs::File::open(path).map_err(|error| fails(&error))?;
    let mut text = Zeroizing::new(String::new());
    file.take(LONGEST)
        .read_to_string(&mut text)
        .map_err(|error| fails(&error))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let secret = line.strip_suffix('\r').unwrap_or(line);
    if secret.is_empty() {
        return Err(fails(&"it is empty"));
    }
    Ok(secret.to_owned())
}

#[cfg(test)]
mod tests;
