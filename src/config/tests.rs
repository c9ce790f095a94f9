use secrecy::ExposeSecret;

use super::*;

fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
    let environment = environment
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Config::from_sources(Some(("mesej.toml", file)), environment).map_err(|error| error.to_string())
}

#[test]
fn the_defaults_are_complete_and_valid() {
    let config = Config::defaults().unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert!(config.server.admin_token.is_none() && config.server.public_url.is_none());
    assert_eq!(config.limits.event_buffer_bytes.get(), 1 << 20);
    assert_eq!(config.retention.default_days, crate::domain::Retention::DEFAULT);
}

#[test]
fn what_is_no_regular_file_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("mesej.toml");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    for path in [pipe.as_path(), folder.path()] {
        let error = Config::load(Some(path)).unwrap_err();
        assert!(error.to_string().contains("it is not a regular file"), "{error}");
    }
}

#[test]
fn a_public_address_in_the_clear_is_doubted() {
    let doubts = |url: &str| {
        let config = load(&format!("[server]\npublic_url = \"{url}\""), &[]);
        config.unwrap().doubts().len()
    };
    assert_eq!(doubts("http://mesej.example.com"), 1);
    for good in ["", "https://mesej.example.com", "http://127.0.0.1:8080"] {
        assert_eq!(doubts(good), 0, "{good}");
    }
}

#[test]
fn every_default_stands_below_a_comment() {
    let mut explained = false;
    for line in DEFAULTS.lines() {
        let key = line.split_once(" = ").filter(|_| !line.starts_with('#'));
        assert!(key.is_none() || explained, "no comment above: {line}");
        explained = line.starts_with('#');
    }
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let file = "[server]\nlisten = \"127.0.0.1:1\"\nworkers = 3\n[limits]\npair_burst = 5\n";
    let config = load(
        file,
        &[
            ("MESEJ_SERVER__WORKERS", "7"),
            ("MESEJ_CONFIG", "ignored"),
            ("HOME", "/"),
        ],
    )
    .unwrap();
    assert_eq!(config.server.listen.port(), 1);
    assert_eq!(config.server.workers, 7);
    assert_eq!(config.limits.pair_burst, 5);
    assert_eq!(config.limits.lane_in_flight, 40);
}

#[test]
fn environment_variables_hold_texts_as_they_are_and_lists_as_toml() {
    let config = load(
        "",
        &[
            ("MESEJ_SERVER__ADMIN_TOKEN", "1234567890123456"),
            (
                "MESEJ_SERVER__ALLOWED_ORIGINS",
                r#"["https://a.example", "https://b.example"]"#,
            ),
            ("MESEJ_SERVER__API_BODY_LIMIT", "1 MiB"),
            (
                "MESEJ_WHATSAPP__APPS",
                r#"[{ name = "main", app_secrets = ["s3cret-s3cret"], verify_token = "verify me" }]"#,
            ),
        ],
    )
    .unwrap();
    assert_eq!(
        config.server.admin_token.unwrap().expose_secret(),
        "1234567890123456"
    );
    assert_eq!(config.server.allowed_origins.len(), 2);
    assert_eq!(config.server.api_body_limit.get(), 1 << 20);
    assert_eq!(
        config.whatsapp.app("main").unwrap().verify_token.expose_secret(),
        "verify me"
    );
    assert!(config.whatsapp.app("other").is_none());
}

#[test]
fn what_is_wrong_is_said_with_its_key_and_its_source() {
    let app = |body: &str| format!("[[whatsapp.apps]]\n{body}\n");
    let good_app = app("name = \"a\"\napp_secrets = [\"s3cret-s3cret\"]\nverify_token = \"verify me\"");
    let cases = [
        (
            "[servr]\nlisten = \"127.0.0.1:1\"",
            "unknown key `servr.listen`: did you mean `server.listen`? (in mesej.toml)",
        ),
        (
            "[server]\nlissten = 1",
            "unknown key `server.lissten`: did you mean `server.listen`? (in mesej.toml)",
        ),
        ("listen = 1", "unknown key `listen`"),
        (
            "[zebra]\nstripes = 1",
            "unknown key `zebra.stripes` (in mesej.toml)",
        ),
        (
            "[server]\nlisten = \"nowhere\"",
            "`server.listen` must be an address and a port, such as \"127.0.0.1:8080\" or \"localhost:8080\" (in mesej.toml)",
        ),
        (
            "[server]\nworkers = \"two\"",
            "`server.workers` must be a whole number, not string \"two\" (in mesej.toml)",
        ),
        (
            "[server]\nworkers = 300",
            "`server.workers` must be 0 to 256, not 300 (in mesej.toml)",
        ),
        (
            "[server]\nadmin_token = \"short\"",
            "`server.admin_token` must be empty or have at least 16 characters",
        ),
        (
            "[server]\nadmin_listen = \"8081\"",
            "`server.admin_listen` must be an address and a port, such as \"127.0.0.1:8080\"",
        ),
        (
            "[server]\nlisten = \"127.0.0.1:1\"\nadmin_listen = \"localhost:1\"",
            "`server.admin_listen` must not be the same as `server.listen` (in mesej.toml)",
        ),
        (
            "[server]\ntls_certificate = \"c.pem\"",
            "`server.tls_certificate` needs `server.tls_key` (in mesej.toml)",
        ),
        (
            "[server]\ntls_key = \"k.pem\"",
            "`server.tls_key` needs `server.tls_certificate` (in mesej.toml)",
        ),
        (
            "[server]\ntrusted_proxies = [\"10.0.0.1\", \"proxy\"]",
            "`server.trusted_proxies[1]` must be an address or a network, such as",
        ),
        (
            "[server]\ntrusted_proxies = [\"0.0.0.0/0\"]",
            "and not everybody's (in mesej.toml)",
        ),
        (
            "[server]\nallowed_origins = [\"a.example\"]",
            "`server.allowed_origins[0]` must be an origin as browsers send it",
        ),
        (
            "[server]\npublic_url = \"a.example\"",
            "`server.public_url` must be an address such as",
        ),
        (
            "[server]\nwebhook_max_bytes_in_flight = \"1 MiB\"",
            "must be at least `server.webhook_body_limit`, 3 MiB",
        ),
        (
            "[server]\napi_body_limit = \"3 apples\"",
            "`server.api_body_limit` must be a number of bytes or a size",
        ),
        (
            "[store]\nbackend = \"sqlite\"",
            "`store.backend` must be \"fjall\" or \"scylla\" or \"memory\", not \"sqlite\" (in mesej.toml)",
        ),
        ("[store]\npath = \"\"", "`store.path` must not be empty"),
        (
            "[store]\nbackend = \"scylla\"",
            "`store.contact_points` must name a node when `store.backend` is \"scylla\"",
        ),
        (
            "[store]\ncontact_points = [\"db.example\"]",
            "`store.contact_points[0]` must be host:port, such as \"10.0.0.1:9042\" (in mesej.toml)",
        ),
        (
            "[store]\nkeyspace = \"Me; DROP\"",
            "`store.keyspace` must be at most 40 lower-case letters",
        ),
        (
            "[store]\npassword = \"secret\"",
            "`store.password` needs `store.user`",
        ),
        (
            "[store]\ntls_server_name = \"db.example\"",
            "`store.tls_server_name` needs `store.tls_ca`",
        ),
        (
            "[whatsapp]\nversion = \"25\"",
            "`whatsapp.version` must be a version such as \"v25.0\"",
        ),
        (
            "[whatsapp]\nbase_url = \"http://a.example\"",
            "`whatsapp.base_url` must be https",
        ),
        (
            "[whatsapp]\nconnect_timeout_ms = 60000",
            "must not be longer than `whatsapp.total_timeout_ms`",
        ),
        (
            "[retention]\ndefault_days = 0",
            "`retention.default_days`: retention is 1 to 1826 days (in mesej.toml)",
        ),
        (
            "[limits]\nbulk_share_percent = 80",
            "`limits.bulk_share_percent` must be 1 to 50, not 80",
        ),
        ("[unknown]\ntemplate_s = -1", "`unknown.template_s` must be"),
        ("[telemetry\nlog_level = 1", "not TOML: "),
        (
            &app("name = \"a\"\napp_secrets = [\"s3cret-s3cret\"]"),
            "`whatsapp.apps[0]` lacks `verify_token` (in mesej.toml)",
        ),
        (
            &app("name = \"a\"\nverify_tokn = \"v\""),
            "unknown key `whatsapp.apps[0].verify_tokn`: did you mean `verify_token`?",
        ),
        (
            &app("name = \"a\"\napp_secrets = []\nverify_token = \"verify me\""),
            "`whatsapp.apps[0].app_secrets` must hold one secret",
        ),
        (
            &format!("{good_app}{good_app}"),
            "`whatsapp.apps[1].name` \"a\" is the name of an earlier app (in mesej.toml)",
        ),
    ];
    for (file, expected) in cases {
        let error = load(file, &[]).expect_err(file);
        assert!(
            error.contains(expected),
            "for {file:?} expected {expected:?} in:\n{error}"
        );
    }
}

#[test]
fn problems_of_the_environment_name_the_variable() {
    for (variable, value, expected) in [
        (
            "MESEJ_SERVR__LISTEN",
            "x",
            "unknown key `servr.listen`: did you mean `server.listen`? (in environment variable MESEJ_SERVR__LISTEN)",
        ),
        (
            "MESEJ_STORE_PATH",
            "/var/lib/mesej",
            "unknown variable `MESEJ_STORE_PATH`: did you mean `MESEJ_STORE__PATH`?",
        ),
        (
            "MESEJ_SERVER__WORKERS",
            "two",
            "`server.workers` cannot be read as TOML (in environment variable MESEJ_SERVER__WORKERS)",
        ),
        (
            "MESEJ_SERVER__WORKERS",
            "300",
            "`server.workers` must be 0 to 256, not 300 (in environment variable MESEJ_SERVER__WORKERS)",
        ),
        (
            "MESEJ_STORE__BACKEND",
            "disk",
            "not \"disk\" (in environment variable MESEJ_STORE__BACKEND)",
        ),
    ] {
        let error = load("", &[(variable, value)]).expect_err(variable);
        assert!(error.contains(expected), "expected {expected:?} in:\n{error}");
    }
}

#[test]
fn all_problems_are_listed_at_once() {
    let file = "[servr]\nlisten = 1\n[server]\nworkers = \"x\"\n[store]\nbackend = \"x\"\n[limits]\nburst = 0\npair_burst = 99\n";
    let error = load(file, &[("MESEJ_LIMITS__LANE_QUEUE", "0")]).unwrap_err();
    assert!(error.starts_with("the configuration has 6 problems:"), "{error}");
}

#[test]
fn secrets_show_neither_in_debug_nor_in_toml_nor_in_errors() {
    let file = "[server]\nadmin_token = \"very-secret-admin-token\"\n\
                [[whatsapp.apps]]\nname = \"a\"\napp_secrets = [\"hush-one-hush\", \"hush-two-hush\"]\nverify_token = \"hush-three\"\n";
    let config = load(file, &[]).unwrap();
    let shown = format!("{config:?}{}", config.to_toml().unwrap());
    assert!(
        shown.contains("********") && !shown.contains("hush") && !shown.contains("very-secret"),
        "{shown}"
    );
    let error = load("[server]\nadmin_token = 987654321\n", &[]).unwrap_err();
    assert!(
        error.contains("`server.admin_token` must be") && !error.contains("987654321"),
        "{error}"
    );
    let secret = "987654321";
    for file in [
        "[server]\nadmin_token = 987654321",
        "[server]\nadmin_token = \"987654321",
        "[server]\nadmin_token = 987654321x",
        "[store]\npassword = 987654321",
        "[store]\npassword = [\"987654321\"]",
        "[whatsapp]\napps = \"987654321\"",
        "[whatsapp]\napps = [\"987654321\"]",
        "[[whatsapp.apps]]\nname = \"a\"\napp_secrets = \"987654321\"\nverify_token = \"verify me\"",
        "[[whatsapp.apps]]\nname = \"a\"\napp_secrets = [987654321]\nverify_token = \"verify me\"",
        "[[whatsapp.apps]]\nname = \"a\"\napp_secrets = [\"987654321\"]\nverify_token = 987654321",
        "[[whatsapp.apps]]\nname = [\"987654321\"]\napp_secrets = [\"987654321\"]\nverify_token = \"verify me\"",
        "[[whatsapp.apps]]\nname = \"a\"\napp_secrets = [\"987654321\",]]\nverify_token = \"verify me\"",
    ] {
        let error = load(file, &[]).unwrap_err();
        assert!(!error.contains(secret), "{error}");
    }
    for (variable, value) in [
        (
            "MESEJ_WHATSAPP__APPS",
            "[{ name = \"a\", app_secrets = [\"987654321\"}]",
        ),
        ("MESEJ_WHATSAPP__APPS", "\"987654321\""),
        ("MESEJ_WHATSAPP__APPS", "987654321"),
        ("MESEJ_SERVER__ADMIN_TOKEN", "987654321"),
        ("MESEJ_SERVER__ADMIN_TOKN", "987654321"),
    ] {
        let error = load("", &[(variable, value)]).unwrap_err();
        assert!(!error.contains(secret), "{error}");
    }
    // Where it is wrong is said all the same.
    let error = load("[server]\n\nadmin_token = \"987654321", &[]).unwrap_err();
    assert!(error.contains("line 3"), "{error}");
}

#[test]
fn a_secret_that_could_be_guessed_is_refused_with_its_setting() {
    for (app_secret, verify_token, key) in [
        ("x", "verify me", "whatsapp.apps[0].app_secrets"),
        ("", "verify me", "whatsapp.apps[0].app_secrets"),
        ("s3cret-s3cret", "x", "whatsapp.apps[0].verify_token"),
    ] {
        let file = format!(
            "[[whatsapp.apps]]\nname = \"a\"\napp_secrets = [\"{app_secret}\"]\nverify_token = \"{verify_token}\""
        );
        let error = load(&file, &[]).unwrap_err();
        assert!(error.contains(&format!("`{key}` must have at least")), "{error}");
    }
}

#[test]
fn a_secret_with_what_files_and_shells_add_is_refused_with_its_setting() {
    let app = |secret: &str, token: &str| {
        format!("[[whatsapp.apps]]\nname = \"a\"\napp_secrets = [\"{secret}\"]\nverify_token = \"{token}\"")
    };
    for (file, key) in [
        (
            app("s3cret-s3cret\\n", "verify me"),
            "whatsapp.apps[0].app_secrets",
        ),
        (app(" s3cret-s3cret", "verify me"), "whatsapp.apps[0].app_secrets"),
        (
            app("s3cret\\u0007s3cret", "verify me"),
            "whatsapp.apps[0].app_secrets",
        ),
        (
            app("s3cret-s3cret", "verify me\\t"),
            "whatsapp.apps[0].verify_token",
        ),
        (
            "[server]\nadmin_token = \"0123456789abcdef\\n\"".to_owned(),
            "server.admin_token",
        ),
        (
            "[server]\nadmin_token = \"éééééééééééééééé\"".to_owned(),
            "server.admin_token",
        ),
    ] {
        let error = load(&file, &[]).unwrap_err();
        assert!(
            error.contains(&format!("`{key}` must")) && error.contains("blanks"),
            "{error}"
        );
    }
}

#[test]
fn two_apps_with_one_secret_are_refused() {
    let app = |name: &str| {
        format!(
            "[[whatsapp.apps]]\nname = \"{name}\"\napp_secrets = [\"s3cret-s3cret\"]\nverify_token = \"verify me\"\n"
        )
    };
    let error = load(&(app("a") + &app("b")), &[]).unwrap_err();
    assert!(
        error.contains("`whatsapp.apps[1].app_secrets` must not hold a secret of an earlier app"),
        "{error}"
    );
}

#[test]
fn an_address_to_listen_on_may_be_this_machines_name() {
    let listen = |text: &str| {
        load(&format!("[server]\nlisten = \"{text}\""), &[]).map(|config| config.server.listen.to_string())
    };
    assert_eq!(listen("localhost:8101").unwrap(), "127.0.0.1:8101");
    assert_eq!(listen("0.0.0.0:80").unwrap(), "0.0.0.0:80");
    for bad in [
        "localhost",
        "localhost:",
        "localhost:x",
        ":8080",
        "8080",
        "mesej.example.com:80",
    ] {
        let error = listen(bad).unwrap_err();
        assert!(error.contains("must be an address and a port"), "{bad}: {error}");
    }
}

#[test]
fn a_variable_that_nothing_reads_is_told() {
    let told = |name: &str| load::strangers([name.to_owned()]);
    for known in [
        "MESEJ_CONFIG",
        "MESEJ_URL",
        "MESEJ_SERVER__LISTEN",
        "MESEJ_CRASH_AT",
        "PATH",
        "MESEJ_SERVICE_HOST",
        "MESEJ_PORT_8080_TCP",
    ] {
        assert!(told(known).is_empty(), "{known}");
    }
    assert_eq!(
        told("MESEJ_CONFG"),
        ["nothing reads the variable `MESEJ_CONFG`: did you mean `MESEJ_CONFIG`?"]
    );
    assert_eq!(told("MESEJ_ZEBRA"), ["nothing reads the variable `MESEJ_ZEBRA`"]);
}

#[test]
fn what_check_config_prints_can_be_read_again() {
    let toml = Config::defaults().unwrap().to_toml().unwrap();
    let again = load(&toml, &[]).unwrap();
    assert_eq!(again.to_toml().unwrap(), toml);
}

#[test]
fn sizes_are_written_with_the_largest_whole_unit() {
    for (text, bytes, shown) in [
        ("64 KiB", 65_536, "64 KiB"),
        ("2048", 2_048, "2 KiB"),
        ("1_000 B", 1_000, "1000 B"),
        ("1GiB", 1 << 30, "1 GiB"),
    ] {
        let size: ByteSize = text.parse().unwrap();
        assert_eq!((size.get(), size.to_string().as_str()), (bytes, shown));
    }
    for bad in ["", "KiB", "1 KB", "-1", "1.5 MiB", "99999999999 GiB"] {
        assert!(bad.parse::<ByteSize>().is_err(), "{bad}");
    }
}

#[test]
fn a_rate_card_is_read_at_the_start_and_a_bad_line_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("card.csv");
    let shown = path.display();
    let settings = format!("[broadcasts]\nrate_card = \"{shown}\"");
    let card = "date: 2026-10-01\ncurrency: EUR\nsource: Meta\nmarket,countries,marketing\nOther,,0.05\n";
    let problem = |text: Option<&str>| {
        match text {
            Some(text) => std::fs::write(&path, text).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        load(&settings, &[]).map(|config| config.broadcasts.rate_card.card().currency().to_owned())
    };
    assert_eq!(problem(Some(card)).as_deref(), Ok("EUR"));
    let error = problem(Some(&card.replace("0.05", "five"))).unwrap_err();
    let said = format!(
        "`broadcasts.rate_card`: the rate card {shown} cannot be used: line 5: `five`: a price is a number"
    );
    assert!(error.contains(&said), "{error}");
    assert!(error.contains("(in mesej.toml)"), "{error}");
    let error = problem(None).unwrap_err();
    assert!(
        error.contains(&format!("the rate card {shown} cannot be read")),
        "{error}"
    );
    let shipped = Config::defaults().unwrap().broadcasts.rate_card;
    assert_eq!(shipped.card().currency(), "USD");
}
