//! Small rows of several partitions that stand on the same nodes, carried by one request.
//!
//! A request costs the cluster far more than a small row in it. Where partitions stand on the same nodes, the node that
//! takes the request writes all of them itself and sends nothing further than it would have sent for one. Where they do
//! not, each goes by itself, to a node that has it.

use std::collections::HashMap;

use super::link::Link;
use super::partitions::BoundStatement;

/// Partitions in one request, and about how many bytes: as many as servers take without a warning
/// (`unlogged_batch_across_partitions_warn_threshold` and `batch_size_warn_threshold` of `cassandra.yaml`).
const PARTITIONS: usize = 10;
const BYTES: usize = 5 * 1_024;
/// What a row takes beside its body, about.
const KEYS: usize = 96;

/// Nodes by their ids, each with the part of it that has the partition.
pub(super) type Replicas = Vec<(u128, u32)>;

/// Rows that go together.
struct Open<T> {
    rows: Vec<T>,
    partitions: usize,
    bytes: usize,
}

impl<T> Default for Open<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            partitions: 0,
            bytes: 0,
        }
    }
}

/// Puts partitions' rows together; `replicas` tells where a row's partition stands, or nothing if that is not known.
fn pack<T>(
    parts: Vec<Vec<T>>,
    size: impl Fn(&T) -> usize,
    replicas: impl Fn(&T) -> Option<Replicas>,
) -> Vec<Vec<T>> {
    let mut packed = Vec::new();
    let mut open: HashMap<Replicas, Open<T>> = HashMap::new();
    for part in parts {
        let bytes = part.iter().map(|row| size(row) + KEYS).sum::<usize>();
        let stands = match part.first() {
            Some(first) if bytes <= BYTES / 2 => replicas(first),
            _ => None,
        };
        let Some(stands) = stands else {
            packed.push(part);
            continue;
        };
        let together = open.entry(stands).or_default();
        if together.partitions >= PARTITIONS || together.bytes + bytes > BYTES {
            packed.push(std::mem::take(together).rows);
        }
        together.rows.extend(part);
        together.partitions += 1;
        together.bytes += bytes;
    }
    packed.extend(open.into_values().map(|together| together.rows));
    packed
}

impl Link {
    /// Puts small parts together whose partitions stand on the same nodes.
    pub(super) fn request_batches<'a>(
        &self,
        parts: Vec<Vec<BoundStatement<'a>>>,
    ) -> Vec<Vec<BoundStatement<'a>>> {
        let cluster = self.cluster();
        pack(
            parts,
            |line| line.bytes,
            |line| line.statement.replicas(&line.values, &cluster),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of so many bytes, whose partition stands on a node of this id.
    type Row = (usize, u128);

    fn sizes(parts: Vec<Vec<Row>>) -> Vec<usize> {
        let packed = pack(parts, |(bytes, _)| *bytes, |(_, node)| Some(vec![(*node, 0)]));
        for request in &packed {
            assert!(
                request.windows(2).all(|two| two[0].1 == two[1].1),
                "partitions of different nodes"
            );
        }
        let mut sizes: Vec<usize> = packed.iter().map(Vec::len).collect();
        sizes.sort_unstable();
        sizes
    }

    #[test]
    fn partitions_of_the_same_nodes_go_together_up_to_what_servers_take_without_a_warning() {
        assert_eq!(sizes(vec![vec![(10, 1)]; 25]), [5, 10, 10]);
        assert_eq!(sizes(vec![vec![(1_600, 1)]; 7]), [1, 3, 3]);
    }

    #[test]
    fn partitions_of_other_nodes_go_by_themselves() {
        let parts = vec![vec![(10, 1)], vec![(10, 2)], vec![(10, 1), (10, 1)]];
        assert_eq!(sizes(parts), [1, 3]);
    }

    #[test]
    fn a_partition_with_much_to_write_goes_alone() {
        assert_eq!(
            sizes(vec![vec![(10, 1)], vec![(4_000, 1)], vec![(10, 1)]]),
            [1, 2]
        );
    }

    #[test]
    fn nothing_is_put_together_whose_place_is_not_known() {
        let packed = pack(vec![vec![1_u8], vec![2]], |_| 10, |_| None);
        assert_eq!(packed, [vec![1], vec![2]]);
    }
}
