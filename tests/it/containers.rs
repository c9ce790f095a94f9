//! The image and the compose file: they name files, settings and commands that there are, and no secret of their own.

use std::path::Path;

use mesej::config::{Backend, Config};
use serde_json::Value;

use crate::watching::{file, yaml};

/// Something to fill in: `${NAME:?why}`, `${NAME:-default}`.
struct Variable {
    name: String,
    rest: String,
}

/// The variables in a text, and the text with a value in place of each.
fn filled(text: &str) -> (Vec<Variable>, String) {
    let mut parts = text.split("${");
    let mut result = parts.next().unwrap_or_default().to_owned();
    let mut variables = Vec::new();
    for part in parts {
        let (inside, after) = part.split_once('}').unwrap();
        let end = inside.find(':').unwrap_or(inside.len());
        let (name, rest) = inside.split_at(end);
        result += rest.strip_prefix(":-").unwrap_or("a-value-of-24-characters");
        result += after;
        variables.push(Variable {
            name: name.to_owned(),
            rest: rest.to_owned(),
        });
    }
    (variables, result)
}

fn compose() -> Value {
    yaml("docker-compose.yml")
}

fn services() -> serde_json::Map<String, Value> {
    compose()["services"].as_object().unwrap().clone()
}

fn exists(path: &str) -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists()
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

#[test]
fn every_yaml_file_of_operations_can_be_read() {
    for path in [
        "docker-compose.yml",
        "grafana/alerts.yml",
        "grafana/alerts.test.yml",
        "grafana/prometheus.yml",
        "grafana/provisioning/dashboards/mesej.yml",
        "grafana/provisioning/datasources/prometheus.yml",
    ] {
        assert!(yaml(path).is_object(), "{path}");
    }
}

#[test]
fn services_name_files_networks_volumes_and_services_that_there_are() {
    let (compose, services) = (compose(), services());
    for (name, service) in &services {
        for volume in texts(&service["volumes"]) {
            let source = volume.split(':').next().unwrap();
            match source.strip_prefix("./") {
                Some(path) => assert!(exists(path), "{name} mounts {path}, which is not there"),
                None => assert!(
                    compose["volumes"].get(source).is_some(),
                    "{name}: no volume {source}"
                ),
            }
        }
        let networks = texts(&service["networks"]);
        assert!(!networks.is_empty(), "{name} is in the default network");
        for network in networks {
            assert!(
                compose["networks"].get(network).is_some(),
                "{name}: no network {network}"
            );
        }
        for (other, want) in service["depends_on"].as_object().into_iter().flatten() {
            let other_service = &services[other];
            let ends = other_service["restart"] == "no";
            let wanted = if ends {
                "service_completed_successfully"
            } else {
                "service_healthy"
            };
            assert_eq!(want["condition"], wanted, "{name} waits for {other}");
        }
        if service["restart"] != "no" {
            assert!(
                service["healthcheck"]["test"].is_array(),
                "{name} has no health check"
            );
        }
        let image = service["image"].as_str().unwrap();
        let tag = image.rsplit_once(':').map(|(_, tag)| tag);
        assert!(
            tag.is_some_and(|tag| tag != "latest"),
            "{name}: {image} is not pinned"
        );
        for port in texts(&service["ports"]) {
            assert!(
                filled(port).1.starts_with("127.0.0.1:"),
                "{name} opens {port} to the world"
            );
        }
    }
}

#[test]
fn every_secret_has_to_be_given_and_the_docs_say_so() {
    let (variables, _) = filled(&file("docker-compose.yml"));
    let (example, docs) = (file(".env.example"), file("docs/operations.md"));
    assert!(variables.len() > 5);
    for Variable { name, rest } in variables {
        let secret = ["PASSWORD", "SECRET", "TOKEN"]
            .iter()
            .any(|word| name.contains(word));
        assert!(!secret || rest.starts_with(":?"), "{name} has a default");
        assert!(
            docs.contains(&format!("`{name}`")),
            "{name} is not in docs/operations.md"
        );
        if rest.starts_with(":?") {
            assert!(
                example.lines().any(|line| line == format!("{name}=")),
                "{name} is not in .env.example"
            );
        }
    }
    assert!(
        file(".gitignore").lines().any(|line| line == "/.env"),
        "a filled-in .env could be committed"
    );
}

#[test]
fn the_gateways_database_user_is_no_superuser() {
    let script = file("docker/scylla-user.sh");
    let makes = |user: &str| {
        let (_, statement) = script
            .split_once(&format!("CREATE ROLE IF NOT EXISTS \\\"{user}\\\""))
            .unwrap();
        statement.lines().take(2).collect::<String>()
    };
    assert!(makes("$CQL_USER").contains("SUPERUSER = false"));
    assert!(makes("$ADMIN").contains("SUPERUSER = true"));
    let gateway = services()["mesej"]["environment"].to_string();
    assert!(gateway.contains("SCYLLA_PASSWORD") && !gateway.contains("SCYLLA_ADMIN_PASSWORD"));
}

#[test]
fn the_gateway_starts_with_the_settings_that_compose_gives_it() {
    for service in ["migrate", "mesej"] {
        let settings = &services()[service]["environment"];
        let variables = settings
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), filled(value.as_str().unwrap()).1));
        let config = Config::from_sources(None, variables).unwrap();
        assert_eq!(config.store.backend, Backend::Scylla);
        assert_eq!(config.store.contact_points, ["scylla:9042"]);
        assert_eq!(config.whatsapp.apps.len(), 1);
        assert!(config.store.password.is_some() && config.server.admin_token.is_some());
    }
    assert_eq!(services()["migrate"]["command"][0], "migrate");
}

#[test]
fn prometheus_and_grafana_find_what_they_are_pointed_at() {
    let services = services();
    let prometheus = yaml("grafana/prometheus.yml");
    for rules in texts(&prometheus["rule_files"]) {
        let mount = format!("./grafana/{rules}:/etc/prometheus/{rules}:ro");
        assert!(
            texts(&services["prometheus"]["volumes"]).contains(&mount.as_str()),
            "{mount}"
        );
    }
    for job in prometheus["scrape_configs"].as_array().unwrap() {
        let target = job["static_configs"][0]["targets"][0].as_str().unwrap();
        let host = target.split(':').next().unwrap();
        assert!(
            host == "127.0.0.1" || services.contains_key(host),
            "no service {host}"
        );
        if host == "mesej" {
            let settings = &services["mesej"]["environment"];
            let port = target.rsplit_once(':').unwrap().1;
            assert_eq!(settings["MESEJ_SERVER__ADMIN_LISTEN"], format!("0.0.0.0:{port}"));
            assert_eq!(settings["MESEJ_URL"], format!("http://127.0.0.1:{port}"));
        }
    }
    let grafana = texts(&services["grafana"]["volumes"]);
    let provider = yaml("grafana/provisioning/dashboards/mesej.yml");
    let folder = provider["providers"][0]["options"]["path"].as_str().unwrap();
    assert!(grafana.contains(&format!("./grafana/dashboards:{folder}:ro").as_str()));
    let home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].as_str();
    let home = home.unwrap().strip_prefix(folder).unwrap();
    assert!(exists(&format!("grafana/dashboards{home}")));
    let source = yaml("grafana/provisioning/datasources/prometheus.yml");
    assert_eq!(source["datasources"][0]["url"], "http://prometheus:9090");
    assert_eq!(
        source["datasources"][0]["jsonData"]["timeInterval"],
        prometheus["global"]["scrape_interval"]
    );
}

#[test]
fn the_image_is_built_from_what_there_is_by_the_toolchain_of_the_project_and_is_not_root() {
    let (dockerfile, allowed) = (file("Dockerfile"), file(".dockerignore"));
    let toolchain: toml::Value = toml::from_str(&file("rust-toolchain.toml")).unwrap();
    let channel = toolchain["toolchain"]["channel"].as_str().unwrap();
    assert!(
        dockerfile.contains(&format!("FROM rust:{channel}-")),
        "not built by {channel}"
    );
    assert!(file("Cargo.toml").contains("[profile.dist]") && dockerfile.contains("--profile dist"));
    let mut copied = Vec::new();
    for line in dockerfile
        .lines()
        .filter(|line| line.starts_with("COPY ") && !line.contains("--from"))
    {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        let (_, sources) = words.split_last().unwrap();
        copied.extend(sources.iter().map(|source| (*source).to_owned()));
    }
    for source in &copied {
        assert!(exists(source), "COPY {source}: not there");
        assert!(
            allowed.lines().any(|line| line == format!("!{source}")),
            ".dockerignore keeps {source} out"
        );
    }
    let last = dockerfile.rsplit_once("\nFROM ").unwrap().1;
    assert!(last.contains("\nUSER 65532:65532\n") && last.contains("\nHEALTHCHECK "));
}
