use std::time::Duration;

use clap::{CommandFactory as _, Parser as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::admin::{Api, segment};
use super::*;

/// Reads one HTTP request and answers it.
pub(super) async fn answer_one(stream: &mut TcpStream, status: &str, body: &str) -> String {
    let mut request = Vec::new();
    let mut buffer = [0_u8; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, rest)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            });
            if rest.len() >= length.unwrap_or(0) {
                break;
            }
        }
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the request broke off: {text}");
        request.extend_from_slice(&buffer[..read]);
    }
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
    String::from_utf8(request).unwrap()
}

/// What the server saw and what the caller got, for one call to an API that answers like this.
async fn call(status: &'static str, body: &'static str) -> (String, Result<Value, CliError>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server =
        tokio::spawn(async move { answer_one(&mut listener.accept().await.unwrap().0, status, body).await });
    let api = Api::with_token(&url, "the-admin-token".to_owned().into(), PlainHttp::default()).unwrap();
    let got = api.post("/v1/admin/tenants", &json!({ "name": "Toko" })).await;
    let seen = tokio::time::timeout(Duration::from_secs(10), server).await;
    (seen.expect("nobody called").unwrap(), got)
}

#[test]
fn the_command_line_is_consistent_and_every_command_explains_itself() {
    fn explained(command: &clap::Command) {
        assert!(
            command.get_about().is_some(),
            "{} has no help",
            command.get_name()
        );
        for argument in command.get_arguments() {
            let known = matches!(argument.get_id().as_str(), "help" | "version");
            assert!(
                known || argument.get_help().is_some(),
                "{} {} has no help",
                command.get_name(),
                argument.get_id()
            );
        }
        command.get_subcommands().for_each(explained);
    }
    Cli::command().debug_assert();
    explained(&Cli::command());
}

#[test]
fn secrets_given_on_the_command_line_do_not_show_in_debug() {
    let cli = Cli::try_parse_from(["mesej", "tail", "--key", "mj_live_hush"]).unwrap();
    assert!(!format!("{cli:?}").contains("hush"));
}

#[tokio::test]
async fn a_call_carries_the_token_and_the_body_and_gives_the_answer() {
    let (request, got) = call("201 Created", r#"{"tenant_id":"00c0ffee00c0ffee"}"#).await;
    assert!(
        request.starts_with("POST /v1/admin/tenants HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("authorization: Bearer the-admin-token\r\n"),
        "{request}"
    );
    assert!(request.ends_with(r#"{"name":"Toko"}"#), "{request}");
    assert_eq!(got.unwrap()["tenant_id"], "00c0ffee00c0ffee");
}

#[tokio::test]
async fn a_refusal_is_shown_in_the_servers_words() {
    let body = r#"{"error":{"code":"not_found","message":"there is no such tenant"}}"#;
    let (_, got) = call("404 Not Found", body).await;
    assert_eq!(
        got.unwrap_err().to_string(),
        "there is no such tenant (not_found)"
    );
}

#[tokio::test]
async fn another_programs_answer_is_not_taken_for_success() {
    for (status, body) in [
        ("200 OK", "<html>"),
        ("404 Not Found", "<html>"),
        ("500 Internal Server Error", "{}"),
        ("302 Found", ""),
    ] {
        let (_, got) = call(status, body).await;
        let error = got.expect_err(status).to_string();
        assert!(
            error.contains("/v1/admin/tenants answered what mesej does not understand"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = Api::open(&url).unwrap().get("/x").await.unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("no answer from {url}: ")) && error.contains("refused"),
        "{error}"
    );
}

#[test]
fn what_somebody_typed_stays_one_path_segment() {
    assert_eq!(segment("a-b_1.~"), "a-b_1.~");
    assert_eq!(segment("../x?y#é"), "..%2Fx%3Fy%23%C3%A9");
}

#[test]
fn an_error_is_one_sentence_that_says_nothing_twice() {
    use std::io::{Error, ErrorKind};

    #[derive(Debug, thiserror::Error)]
    #[error("cannot keep the key")]
    struct Silent(#[source] Error);
    #[derive(Debug, thiserror::Error)]
    #[error("cannot keep the key: {0}")]
    struct Repeating(#[source] Error);

    let denied = || Error::from(ErrorKind::PermissionDenied);
    assert_eq!(
        sentence(&Silent(denied())),
        "cannot keep the key: permission denied"
    );
    assert_eq!(
        sentence(&Repeating(denied())),
        "cannot keep the key: permission denied"
    );
}

#[tokio::test]
async fn without_a_token_the_operator_is_told_which_one_is_meant() {
    let cli = Cli::try_parse_from(["mesej", "tenant", "list", "--url", "http://127.0.0.1:9"]).unwrap();
    let error = run(cli).await.unwrap_err().to_string();
    assert!(
        error.contains("operator's token") && error.contains("MESEJ_ADMIN_TOKEN"),
        "{error}"
    );
}

#[test]
fn every_variable_that_a_command_reads_is_known_to_the_settings() {
    fn variables(command: &clap::Command, found: &mut Vec<String>) {
        let own = command.get_arguments().filter_map(clap::Arg::get_env);
        found.extend(own.map(|name| name.to_string_lossy().into_owned()));
        for inner in command.get_subcommands() {
            variables(inner, found);
        }
    }
    let mut found = Vec::new();
    variables(&Cli::command(), &mut found);
    assert!(found.iter().any(|name| name == "MESEJ_ADMIN_TOKEN"), "{found:?}");
    assert_eq!(crate::config::strangers_among(found), Vec::<String>::new());
}
