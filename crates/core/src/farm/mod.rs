//! The farm: nodes forward their events to a relay, which decides about all of them and delivers for all.

mod posts;
mod wire;

pub use posts::{PostOutcome, PostQueue, PostRefusal, PostReply, ReceivedPost};
pub use wire::{
    EventPost, ForwardedEvent, MAX_POST_BYTES, MAX_POST_EVENTS, NodeHead, POST_CONTENT_TYPE, POST_PATH,
    PostFault, PostWriter, RESEND_HEADER, RefusedEvent, SpeaksFor, TIMELINE_HEADER, read_refusals,
    write_refusals,
};
