use std::path::Path;

use secrecy::ExposeSecret as _;

use super::*;
use crate::config::Config;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// One that every user can go through, in a place that every user can go through.
    fn open() -> Self {
        let folder = Self(tempfile::tempdir_in("/tmp").unwrap());
        folder.let_through(0o755);
        folder
    }

    fn let_through(&self, mode: u32) {
        std::fs::set_permissions(self.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, name: &str, text: &str, mode: u32) -> String {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.display().to_string()
    }

    fn load(&self, file: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        let folder = self.path().display().to_string();
        let credentials = (CREDENTIALS.to_owned(), folder);
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::from_sources(Some(("mesej.toml", file)), variables.chain([credentials]))
            .map_err(|error| error.to_string())
    }
}

#[test]
fn every_secret_may_stand_in_a_file_or_be_a_credential() {
    let folder = Folder::new();
    let admin = folder.file("admin", "an-operators-own-token\n", 0o600);
    let old = folder.file("old", "the-secret-before", 0o600);
    folder.file("new", "the-secret-of-today\r\n", 0o600);
    folder.file("verify", "verify it", 0o600);
    folder.file("password", "of the cluster", 0o644);
    let file = format!(
        "[server]\nadmin_token = \"file:{admin}\"\n[store]\nuser = \"mesej\"\npassword = \"credential:password\"\n\
         [[whatsapp.apps]]\nname = \"main\"\napp_secrets = [\"file:{old}\", \"credential:new\"]\nverify_token = \"credential:verify\""
    );
    let config = folder.load(&file, &[]).unwrap();
    let shown = |secret: Option<&secrecy::SecretString>| secret.unwrap().expose_secret().to_owned();
    assert_eq!(
        shown(config.server.admin_token.as_ref()),
        "an-operators-own-token"
    );
    assert_eq!(shown(config.store.password.as_ref()), "of the cluster");
    let app = config.whatsapp.app("main").unwrap();
    let secrets: Vec<&str> = app
        .app_secrets
        .iter()
        .map(|secret| secret.expose_secret())
        .collect();
    assert_eq!(secrets, ["the-secret-before", "the-secret-of-today"]);
    assert_eq!(app.verify_token.expose_secret(), "verify it");
    assert!(config.doubts().is_empty(), "{:?}", config.doubts());
    let told = format!("{config:?}{}", config.to_toml().unwrap());
    assert!(
        !told.contains("operators-own") && !told.contains("of-today"),
        "{told}"
    );
}

#[test]
fn variables_may_name_files_and_what_they_override_is_not_read() {
    let folder = Folder::new();
    let admin = folder.file("admin", "an-operators-own-token", 0o600);
    let file = "[server]\nadmin_token = \"file:/not/there\"";
    let variable = format!("file:{admin}");
    let config = folder
        .load(file, &[("MESEJ_SERVER__ADMIN_TOKEN", &variable)])
        .unwrap();
    let token = config.server.admin_token.unwrap();
    assert_eq!(token.expose_secret(), "an-operators-own-token");
}

#[test]
fn a_file_that_cannot_be_used_is_told_with_its_setting_and_its_source_and_nothing_it_holds() {
    let folder = Folder::new();
    let short = folder.file("short", "987654321", 0o600);
    let two = folder.file("two", "987654321-987654321\nand more", 0o600);
    let empty = folder.file("empty", "\n", 0o600);
    let place = folder.path().display().to_string();
    for (value, told) in [
        (
            "file:/not/there".to_owned(),
            "must name a file that can be read: /not/there: ",
        ),
        (format!("file:{place}"), "it is not a regular file"),
        (format!("file:{empty}"), "it is empty"),
        (
            format!("file:{short}"),
            "must be empty or have at least 16 characters",
        ),
        (format!("file:{two}"), "hold control characters"),
        (
            "credential:absent".to_owned(),
            "must name a file that can be read: ",
        ),
        ("credential:../short".to_owned(), "must name a credential"),
    ] {
        let error = folder
            .load(&format!("[server]\nadmin_token = \"{value}\""), &[])
            .unwrap_err();
        assert!(
            error.contains("`server.admin_token` ")
                && error.contains(told)
                && error.contains("(in mesej.toml)"),
            "{error}"
        );
        assert!(!error.contains("987654321"), "{error}");
        assert!(error.starts_with("the configuration has a problem:"), "{error}");
    }
    let app = "[{ name = \"a\", app_secrets = [\"file:/not/there\"], verify_token = \"file:/nor/there\" }]";
    let error = folder.load("", &[("MESEJ_WHATSAPP__APPS", app)]).unwrap_err();
    for key in ["whatsapp.apps[0].app_secrets[0]", "whatsapp.apps[0].verify_token"] {
        assert!(error.contains(&format!("`{key}` must name a file")), "{error}");
    }
    assert!(
        error.contains("2 problems") && error.contains("MESEJ_WHATSAPP__APPS"),
        "{error}"
    );
    let without = Config::from_sources(
        None,
        [("MESEJ_STORE__PASSWORD".to_owned(), "credential:x".to_owned())],
    );
    assert!(
        without
            .unwrap_err()
            .to_string()
            .contains("CREDENTIALS_DIRECTORY is not set")
    );
}

#[test]
fn a_file_that_others_can_read_is_doubted() {
    let folder = Folder::open();
    let admin = folder.file("admin", "an-operators-own-token", 0o644);
    let (certificate, key) = (folder.file("c.pem", "x", 0o644), folder.file("k.pem", "x", 0o604));
    let file = format!(
        "[server]\nadmin_token = \"file:{admin}\"\ntls_certificate = \"{certificate}\"\ntls_key = \"{key}\""
    );
    let doubts = folder.load(&file, &[]).unwrap().doubts();
    assert_eq!(doubts.len(), 2, "{doubts:?}");
    assert!(doubts[0].contains("`server.admin_token`") && doubts[0].contains(&admin));
    assert!(doubts[1].contains("`server.tls_key`") && doubts[1].contains(&key));
}

#[test]
fn what_lies_in_a_folder_that_is_closed_to_others_is_read_by_none_of_them() {
    let folder = Folder::open();
    let real = folder.file("real", "an-operators-own-token", 0o444);
    let link = Folder::open();
    let linked = link.path().join("admin").display().to_string();
    std::os::unix::fs::symlink(&real, &linked).unwrap();
    for (mode, doubts) in [(0o755, 1), (0o750, 0), (0o751, 1)] {
        folder.let_through(mode);
        for path in [&real, &linked] {
            let file = format!("[server]\nadmin_token = \"file:{path}\"");
            let found = folder.load(&file, &[]).unwrap().doubts();
            assert_eq!(found.len(), doubts, "{mode:o}: {found:?}");
        }
    }
}

#[test]
fn settings_that_others_can_read_are_doubted_if_secrets_stand_in_them() {
    let folder = Folder::open();
    let doubts = |text: &str, mode: u32| -> Vec<String> {
        let path = folder.file("mesej.toml", text, mode);
        let doubts = Config::load(Some(Path::new(&path))).unwrap().doubts();
        doubts.into_iter().filter(|doubt| doubt.contains(&path)).collect()
    };
    let none: Vec<String> = Vec::new();
    let own = folder.file("admin", "an-operators-own-token", 0o600);
    let app = "[[whatsapp.apps]]\nname = \"main\"\napp_secrets = [\"the-secret-of-today\"]\nverify_token = \"verify it\"";
    let without = format!("[server]\nworkers = 1\nadmin_token = \"file:{own}\"\n[store]\npassword = \"\"");
    assert_eq!(doubts(&without, 0o644), none);
    let with = format!("{without}\n{app}");
    assert_eq!(doubts(&with, 0o640), none);
    let told = doubts(&with, 0o644);
    assert_eq!(told.len(), 1, "{told:?}");
    for key in ["app_secrets[0]", "verify_token"] {
        assert!(told[0].contains(&format!("`whatsapp.apps[0].{key}`")), "{told:?}");
    }
    assert!(
        !told[0].contains("admin_token") && !told[0].contains("the-secret"),
        "{told:?}"
    );
}
