//! Whom each number blocks.

use std::collections::HashMap;

use super::customers::CustomerIndex;
use super::numbers::NumberIndex;

/// Customers whom one number may block.
const MOST: usize = 64_000;

/// All blocklists, each in the order in which customers came onto it.
#[derive(Debug, Default)]
pub(crate) struct Blocks(HashMap<NumberIndex, Vec<CustomerIndex>>);

/// A number blocks as many as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

impl Blocks {
    /// Blocks a customer; one who is blocked stays so.
    pub(crate) fn add(&mut self, number: NumberIndex, customer: CustomerIndex) -> Result<(), Full> {
        let list = self.0.entry(number).or_default();
        if list.contains(&customer) {
            return Ok(());
        }
        if list.len() >= MOST {
            return Err(Full);
        }
        list.push(customer);
        Ok(())
    }

    /// Blocks a customer no more.
    pub(crate) fn remove(&mut self, number: NumberIndex, customer: CustomerIndex) {
        if let Some(list) = self.0.get_mut(&number) {
            list.retain(|blocked| *blocked != customer);
        }
    }

    pub(crate) fn has(&self, number: NumberIndex, customer: CustomerIndex) -> bool {
        self.of(number).contains(&customer)
    }

    pub(crate) fn of(&self, number: NumberIndex) -> &[CustomerIndex] {
        self.0.get(&number).map(Vec::as_slice).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_takes_so_many_and_nobody_twice() {
        let mut blocks = Blocks::default();
        let number = NumberIndex(0);
        assert_eq!(blocks.add(number, CustomerIndex(0)), Ok(()));
        blocks.0.entry(number).or_default().resize(MOST, CustomerIndex(9));
        assert_eq!(blocks.add(number, CustomerIndex(70_000)), Err(Full));
        assert_eq!(blocks.add(number, CustomerIndex(0)), Ok(()));
        blocks.remove(number, CustomerIndex(0));
        assert!(!blocks.has(number, CustomerIndex(0)));
        assert!(!blocks.has(NumberIndex(1), CustomerIndex(1)));
        assert_eq!(blocks.add(number, CustomerIndex(70_000)), Ok(()));
    }
}
