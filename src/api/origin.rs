//! Which web pages may open a socket, or act for somebody who is signed in.

use crate::config::{BaseUrl, Origin};

/// Pages of these origins, and of the server's own, are let in. What is no web page sends no `Origin`.
#[derive(Debug, Clone, Default)]
pub(super) struct AllowedOrigins(Vec<Origin>);

impl AllowedOrigins {
    /// The configured origins, and that of the server's public address.
    pub(super) fn new(configured: &[Origin], public_url: Option<&BaseUrl>) -> Self {
        let own = public_url.and_then(|url| {
            let (scheme, rest) = url.as_str().split_once("://")?;
            let authority = rest.split('/').next()?;
            Origin::parse(&format!("{scheme}://{authority}"))
        });
        Self(configured.iter().cloned().chain(own).collect())
    }

    /// Whether a request with these headers is let in. Compared exactly: browsers write origins in one way only.
    pub(super) fn admits(&self, origin: Option<&str>, host: Option<&str>) -> bool {
        let Some(origin) = origin else { return true };
        let same = origin
            .strip_prefix("https://")
            .or_else(|| origin.strip_prefix("http://"))
            .zip(host)
            .is_some_and(|(authority, host)| authority == host);
        same || self.0.iter().any(|allowed| allowed.as_str() == origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_origins_and_the_servers_own_are_let_in() {
        let listed = Origin::parse("https://inbox.example.com").unwrap();
        let public = BaseUrl::parse("https://api.example.com/base").unwrap();
        let allowed = AllowedOrigins::new(&[listed], Some(&public));
        let host = Some("mesej:8080");
        for good in [
            None,
            Some("https://inbox.example.com"),
            Some("https://api.example.com"),
            Some("http://mesej:8080"),
            Some("https://mesej:8080"),
        ] {
            assert!(allowed.admits(good, host), "{good:?}");
        }
        for bad in [
            "null",
            "",
            "https://inbox.example.com.evil.example",
            "https://inbox.example.com/",
            "http://inbox.example.com",
            "https://evil.example",
            "mesej:8080",
            "ftp://mesej:8080",
            "http://mesej",
        ] {
            assert!(!allowed.admits(Some(bad), host), "{bad}");
        }
        assert!(!allowed.admits(Some("http://mesej:8080"), None));
    }
}
