//! Where a packed sample's blocks are: in memory, or fetched when a pass comes to them.

use crate::error::Result;
use equipoise_kernel::Block;
use std::borrow::Cow;
use std::fmt::Debug;

/// Gives blocks that are not in memory. Called from the threads of a pass.
pub(crate) trait Source: Debug + Send + Sync {
    /// The block at an index, the same each time.
    fn block(&self, index: usize) -> Result<Block>;
}

#[derive(Debug)]
pub(crate) enum Blocks {
    Here(Vec<Block>),
    /// `kept` blocks are in memory; the others come from `source`.
    Fetched {
        kept: Vec<Option<Block>>,
        source: Box<dyn Source>,
    },
}

impl Blocks {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Here(blocks) => blocks.len(),
            Self::Fetched { kept, .. } => kept.len(),
        }
    }

    pub(super) fn get(&self, index: usize) -> Result<Cow<'_, Block>> {
        match self {
            Self::Here(blocks) => Ok(Cow::Borrowed(&blocks[index])),
            Self::Fetched { kept, source } => match &kept[index] {
                Some(block) => Ok(Cow::Borrowed(block)),
                None => source.block(index).map(Cow::Owned),
            },
        }
    }

    /// Whether all blocks are in memory.
    pub(super) fn are_here(&self) -> bool {
        matches!(self, Self::Here(_))
    }

    /// Bytes that the blocks in memory hold.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Here(blocks) => blocks.iter().map(Block::bytes).sum(),
            Self::Fetched { kept, .. } => kept.iter().flatten().map(Block::bytes).sum(),
        }
    }
}
