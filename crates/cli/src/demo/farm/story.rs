//! The course of the demo's farm: nodes get one frame after the other, one of them and the leading relay are killed on the
//! way, and the end is awaited.

use super::processes::{Process, Said};
use super::reconciliation::Reconciliation;
use super::{FRAMES, FarmEvent, NODES, RELAYS, node, node_name, setup};
use crate::demo::progress::Progress;
use crate::failure::Failure;
use crate::serve::receiver::Arrival;
use crate::terminal::one_line;
use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

/// A node is killed after this many frames.
const NODE_DIES: usize = FRAMES as usize / 3;

/// The leading relay is killed after this many.
const LEADER_DIES: usize = FRAMES as usize * 2 / 3;

/// How long the farm may take without any news.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the log of a relay says when it begins to lead.
const LEADS: &str = "this relay leads";

struct RelayProcess {
    process: Process,
    url: String,
    log: Vec<String>,
    /// It was killed, or asked to end.
    is_over: bool,
}

struct NodeProcess {
    process: Process,
    /// How often it was started; what an earlier life says is not heard.
    life: usize,
    has_ended: bool,
}

pub struct Story<'a> {
    folder: &'a Path,
    send: &'a Sender<FarmEvent>,
    events: &'a Receiver<FarmEvent>,
    progress: Option<Progress>,
    relays: Vec<RelayProcess>,
    leader: Option<usize>,
    killed_leader_at: Option<Instant>,
    nodes: Vec<NodeProcess>,
    frames: VecDeque<u32>,
    farm: Reconciliation,
}

impl<'a> Story<'a> {
    /// Starts the relays. The first one leads.
    pub fn begin(
        folder: &'a Path,
        send: &'a Sender<FarmEvent>,
        events: &'a Receiver<FarmEvent>,
    ) -> Result<Story<'a>, Failure> {
        let mut story = Story {
            folder,
            send,
            events,
            progress: None,
            relays: Vec::new(),
            leader: None,
            killed_leader_at: None,
            nodes: Vec::new(),
            frames: (1..=FRAMES).collect(),
            farm: Reconciliation::default(),
        };
        for number in 0..RELAYS {
            let hear = move |said| FarmEvent::Relay(number, said);
            let config = setup::relay_config(folder, number);
            let process = Process::start(&["relay", "--until-input-ends"], &config, send.clone(), hear)?;
            let relay = RelayProcess { process, url: String::new(), log: Vec::new(), is_over: false };
            story.relays.push(relay);
            story.until(|story| !story.relays[number].url.is_empty() && story.leader.is_some())?;
        }
        Ok(story)
    }

    /// The addresses of the relays.
    pub fn urls(&self) -> Vec<&str> {
        self.relays.iter().map(|relay| relay.url.as_str()).collect()
    }

    /// Runs the nodes to their end, and the relay to its own.
    pub fn run(mut self, progress: Progress) -> Result<Reconciliation, Failure> {
        let began = Instant::now();
        self.progress = Some(progress);
        for number in 0..NODES {
            let process = self.start_node(number, 1)?;
            self.nodes.push(NodeProcess { process, life: 1, has_ended: false });
            self.give_frame(number);
        }
        self.until(|story| story.farm.accepted.len() == FRAMES as usize)?;
        self.line("  every frame is rendered; waiting for the end of the queue")?;
        self.nodes.iter_mut().for_each(|node| node.process.say(node::END));
        // What is missing after this is named by the reconciliation.
        let _ = self.until(|story| story.nodes.iter().all(|node| node.has_ended) && story.farm.is_complete());
        self.farm.took = began.elapsed();
        for relay in self.relays.iter_mut().filter(|relay| !relay.is_over) {
            relay.is_over = true;
            relay.process.ask_to_end();
            relay.process.succeeded();
        }
        while let Ok(event) = self.events.try_recv() {
            self.hear(event)?;
        }
        if let Some(progress) = &self.progress {
            progress.clear();
        }
        Ok(self.farm)
    }

    fn start_node(&self, number: usize, life: usize) -> Result<Process, Failure> {
        let config = setup::node_config(self.folder, number);
        let hear = move |said| FarmEvent::Node(number, life, said);
        Process::start(&["demo", "--farm-node"], &config, self.send.clone(), hear)
    }

    fn give_frame(&mut self, number: usize) {
        if let Some(frame) = self.frames.pop_front() {
            self.nodes[number].process.say(&frame.to_string());
        }
    }

    /// Hears what happens until this is so.
    fn until(&mut self, is_so: impl Fn(&Story<'_>) -> bool) -> Result<(), Failure> {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self) {
            match self.events.recv_timeout(Duration::from_millis(100)) {
                Ok(event) => self.hear(event)?,
                Err(_) if Instant::now() > deadline => {
                    let what = format!("the farm did not go on for {} s", PATIENCE.as_secs());
                    return Err(Failure::new(what, "try again when the machine has less to do"));
                }
                Err(_) => self.progress.iter().for_each(Progress::tick),
            }
        }
        Ok(())
    }

    fn hear(&mut self, event: FarmEvent) -> Result<(), Failure> {
        match event {
            FarmEvent::Relay(number, said) => self.hear_relay(number, said),
            FarmEvent::Node(number, life, said) if self.nodes[number].life == life => {
                self.hear_node(number, said)
            }
            FarmEvent::Node(..) => Ok(()),
            FarmEvent::Arrival(arrival) => Ok(self.arrived(arrival)?),
        }
    }

    fn hear_relay(&mut self, number: usize, said: Said) -> Result<(), Failure> {
        let relay = &mut self.relays[number];
        match said {
            Said::Output(line) => {
                if let Some(url) = line["listening"].as_str() {
                    url.clone_into(&mut relay.url);
                }
            }
            Said::Log(line) if line.ends_with(LEADS) => {
                let url = relay.url.clone();
                self.leader = Some(number);
                if let Some(killed_at) = self.killed_leader_at {
                    let takeover = killed_at.elapsed();
                    self.farm.takeover = Some(takeover);
                    self.line(&format!("  leads     {url}, {:.2} s later", takeover.as_secs_f64()))?;
                }
            }
            Said::Log(line) => relay.log.push(line),
            Said::End if relay.is_over => {}
            Said::End => return Err(died(&setup::relay_config(self.folder, number), &relay.log)),
        }
        Ok(())
    }

    fn hear_node(&mut self, number: usize, said: Said) -> Result<(), Failure> {
        match said {
            Said::Output(line) => {
                let frame = line["frame"].as_u64().and_then(|frame| u32::try_from(frame).ok());
                if let (Some(frame), Some(id)) = (frame, line["id"].as_str()) {
                    return self.accepted(number, frame, id);
                }
                let said = [line["error"].as_str().unwrap_or_default().to_owned()];
                Err(died(&setup::node_config(self.folder, number), &said))
            }
            Said::Log(_) => Ok(()),
            Said::End => {
                let node = &mut self.nodes[number];
                node.has_ended = node.process.succeeded();
                let config = setup::node_config(self.folder, number);
                if node.has_ended { Ok(()) } else { Err(died(&config, &[])) }
            }
        }
    }

    fn accepted(&mut self, number: usize, frame: u32, id: &str) -> Result<(), Failure> {
        self.farm.accepted.insert(frame, id.to_owned());
        let line = format!("  frame {frame:2}  {}", node_name(number));
        self.progress.as_mut().map_or(Ok(()), |progress| progress.step(&line))?;
        match self.farm.accepted.len() {
            NODE_DIES => self.kill_node(number, frame)?,
            LEADER_DIES => self.kill_leader()?,
            _ => {}
        }
        self.give_frame(number);
        Ok(())
    }

    /// The event is in the node's ring at that moment, and in no relay yet.
    fn kill_node(&mut self, number: usize, frame: u32) -> Result<(), Failure> {
        let node = &mut self.nodes[number];
        node.process.kill();
        let life = node.life + 1;
        self.farm.killed_nodes += 1;
        let name = node_name(number);
        self.line(&format!("  kill -9   {name}, as soon as frame {frame} was accepted; it starts again"))?;
        let process = self.start_node(number, life)?;
        self.nodes[number] = NodeProcess { process, life, has_ended: false };
        Ok(())
    }

    fn kill_leader(&mut self) -> Result<(), Failure> {
        let Some(number) = self.leader else { return Ok(()) };
        let relay = &mut self.relays[number];
        relay.is_over = true;
        self.killed_leader_at = Some(Instant::now());
        relay.process.kill();
        let url = relay.url.clone();
        Ok(self.line(&format!("  kill -9   {url}, the relay that leads"))?)
    }

    fn arrived(&mut self, arrival: Arrival) -> io::Result<()> {
        if let (Some(progress), Some("queue.end")) = (&mut self.progress, arrival.kind().as_deref()) {
            progress.arrival(&arrival)?;
        }
        self.farm.arrivals.push(arrival);
        Ok(())
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        self.progress.as_mut().map_or(Ok(()), |progress| progress.line(line))
    }
}

fn died(config: &Path, log: &[String]) -> Failure {
    let config = config.file_name().unwrap_or_default().to_string_lossy();
    let reason = log.iter().rev().find(|line| !line.is_empty());
    let reason = reason.map(|line| format!(": {}", one_line(line))).unwrap_or_default();
    let what = format!("the process of {config} ended on its own{reason}");
    Failure::new(what, "follow the message; `demo --farm --keep` keeps the files")
}
