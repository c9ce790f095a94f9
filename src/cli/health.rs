//! `mesej health`: a health check for places that have no other program to make a request with.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::admin::Api;
use super::{CliError, output};

/// A server that takes longer to answer this is not well.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is asked.
#[derive(Debug, Args)]
pub(super) struct HealthArgs {
    /// Where the server listens
    #[arg(
        long,
        env = "MESEJ_URL",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL"
    )]
    url: String,
    /// Ask whether it takes work: the store writes and every tenant runs
    #[arg(long)]
    ready: bool,
}

pub(super) async fn run(args: &HealthArgs) -> Result<ExitCode, CliError> {
    let path = if args.ready { "/readyz" } else { "/healthz" };
    let api = Api::open(&args.url)?;
    let asked = tokio::time::timeout(PATIENCE, api.get(path)).await;
    let answer = asked.map_err(|_elapsed| CliError::Unreachable {
        url: args.url.clone(),
        reason: format!("nothing within {} s", PATIENCE.as_secs()),
    })??;
    let status = answer.get("status").map_or(String::new(), output::plain);
    output::print(&status)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::super::tests::answer_one;
    use super::*;

    /// What was asked for, and how it went.
    async fn asked(ready: bool, status: &'static str) -> (String, Result<ExitCode, CliError>) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            answer_one(
                &mut listener.accept().await.unwrap().0,
                status,
                r#"{"status":"x"}"#,
            )
            .await
        });
        let ended = run(&HealthArgs { url, ready }).await;
        (server.await.unwrap(), ended)
    }

    #[tokio::test]
    async fn a_server_that_lives_or_is_ready_is_well() {
        let (request, ended) = asked(false, "200 OK").await;
        assert!(request.starts_with("GET /healthz "), "{request}");
        assert!(ended.is_ok());
        let (request, ended) = asked(true, "200 OK").await;
        assert!(request.starts_with("GET /readyz "), "{request}");
        assert!(ended.is_ok());
    }

    #[tokio::test]
    async fn a_server_that_is_not_ready_or_not_there_is_not_well() {
        let (_, ended) = asked(true, "503 Service Unavailable").await;
        assert!(matches!(ended, Err(CliError::Unexpected { .. })), "{ended:?}");
        let args = HealthArgs {
            url: "http://127.0.0.1:1".to_owned(),
            ready: false,
        };
        assert!(matches!(run(&args).await, Err(CliError::Unreachable { .. })));
    }
}
