//! Numbers of things, in words.

/// So many of something: "1 commit", "2 commits".
pub fn quantity(count: u64, one: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {one}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_told_in_the_singular() {
        let told = [0, 1, 2].map(|count| quantity(count, "commit"));
        assert_eq!(told, ["0 commits", "1 commit", "2 commits"]);
    }
}
