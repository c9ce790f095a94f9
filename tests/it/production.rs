//! The real binary where it is meant in earnest: what it refuses, and secrets that stand in no setting.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tokio::process::Command;

use crate::process::{ended, free_port, get, mesej, started, started_as};

const TOKEN: &str = "f3b1c9d07a4e58621d0f9b7c";

/// A command in production whose token is a credential, and where its operators find it.
fn in_earnest(command: &str, credentials: &Path) -> (Command, String) {
    std::fs::create_dir_all(credentials).unwrap();
    let file = credentials.join("admin");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o400)).unwrap();
    let theirs = format!("127.0.0.1:{}", free_port());
    let mut command = mesej(&[command]);
    command
        .env("CREDENTIALS_DIRECTORY", credentials)
        .env("MESEJ_SERVER__MODE", "production")
        .env("MESEJ_SERVER__ADMIN_TOKEN", "credential:admin")
        .env("MESEJ_SERVER__ADMIN_LISTEN", &theirs);
    (command, theirs)
}

/// What a start that is refused says.
async fn refused(mut command: Command, folder: &Path) -> String {
    let output = command
        .env("MESEJ_SERVER__LISTEN", "127.0.0.1:0")
        .env("MESEJ_STORE__PATH", folder)
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[actix::test]
async fn a_credential_opens_the_admin_api_and_is_told_to_nobody() {
    let place = tempfile::tempdir().unwrap();
    let (mut command, theirs) = in_earnest("serve", &place.path().join("credentials"));
    command.env("MESEJ_TELEMETRY__LOG_LEVEL", "trace");
    let (child, _) = started_as(command, "127.0.0.1", &place.path().join("data")).await;
    assert!(get(&theirs, "/v1/admin/tenants", TOKEN).await.contains(" 200 "));
    assert!(
        get(&theirs, "/v1/admin/tenants", "credential:admin")
            .await
            .contains(" 401 ")
    );
    ended(child).await;
    let log = std::fs::read_to_string(place.path().join("log")).unwrap();
    assert!(log.contains("listening") && !log.contains(TOKEN), "{log}");
}

#[actix::test]
async fn what_the_demo_filled_is_not_served_in_earnest_and_no_demo_is_run() {
    let place = tempfile::tempdir().unwrap();
    let (folder, credentials) = (place.path().join("data"), place.path().join("credentials"));
    let (demo, _) = started(&["demo"], &folder).await;
    ended(demo).await;
    let told = refused(in_earnest("serve", &credentials).0, &folder).await;
    assert!(
        told.contains("was filled by `mesej demo`") && told.contains("`server.mode`"),
        "{told}"
    );
    let told = refused(in_earnest("demo", &credentials).0, &place.path().join("new")).await;
    assert!(told.contains("`server.mode` is \"production\""), "{told}");
    assert!(!place.path().join("new").exists());
}

#[actix::test]
async fn unsafe_settings_stop_the_start_and_all_are_told_at_once() {
    let place = tempfile::tempdir().unwrap();
    let output = mesej(&["serve"])
        .env("MESEJ_SERVER__MODE", "production")
        .env("MESEJ_SERVER__LISTEN", "0.0.0.0:0")
        .env("MESEJ_SERVER__ADMIN_TOKEN", "0123456789abcdef0123456789abcdef")
        .env("MESEJ_STORE__PATH", place.path().join("data"))
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    for key in ["server.listen", "server.admin_listen", "server.admin_token"] {
        assert!(told.contains(&format!("`{key}` must ")), "{told}");
    }
    assert!(
        told.contains("3 problems") && !told.contains("0123456789abcdef"),
        "{told}"
    );
    assert!(!place.path().join("data").exists());
}
