//! Who goes first where the store is slow: somebody waits for what is sent, and nobody for what customers wrote.

/// Puts ops of those who wait before ops of the road in, each in the order in which they came. Of a batch of `most`, the
/// road in keeps half if it needs that much.
pub(super) fn senders_first<T>(waiting: &mut [T], most: usize, is_inbound: impl Fn(&T) -> bool) {
    waiting.sort_by_key(&is_inbound);
    let senders = waiting.partition_point(|op| !is_inbound(op));
    let half = most / 2;
    let inbound = (waiting.len() - senders).min(most - half);
    if let Some(middle) = waiting.get_mut(half..senders + inbound)
        && senders > half
    {
        middle.rotate_left(senders - half);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small letters are of the road in.
    fn ordered(waiting: &str, most: usize) -> String {
        let mut waiting: Vec<char> = waiting.chars().collect();
        senders_first(&mut waiting, most, |op| op.is_lowercase());
        waiting.into_iter().collect()
    }

    #[test]
    fn who_waits_goes_before_what_came_in_and_the_order_of_each_stays() {
        assert_eq!(ordered("abAcBd", 8), "ABabcd");
        assert_eq!(ordered("abc", 8), "abc");
        assert_eq!(ordered("", 8), "");
    }

    #[test]
    fn what_came_in_keeps_half_of_a_batch() {
        assert_eq!(ordered("abcABCDEF", 4), "ABabCDEFc");
        assert_eq!(ordered("aABCDEF", 4), "ABaCDEF");
        assert_eq!(ordered("ABCDEF", 4), "ABCDEF");
    }
}
