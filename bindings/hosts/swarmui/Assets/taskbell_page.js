// Fills the Taskbell tab. Everything from the server is shown as text, never as HTML.

class TaskbellPage {
    /** What the states of an endpoint mean. */
    static states = {
        open: 'in order',
        quiet: 'waits: the receiver asked for a pause',
        breaker: 'paused after several failures',
        gone: 'gone: the receiver no longer exists'
    };

    /** The counters that are shown, and those of which only more than none is news. */
    static counters = { accepted: 'events', delivered: 'messages delivered', pending: 'waiting' };
    static rare = { retries: 'retries', dead: 'dead letters', params_ignored: 'wishes ignored' };

    refresh() {
        genericRequest('TaskbellStatus', {}, data => this.show(data));
    }

    show(data) {
        let stats = JSON.parse(data.stats);
        this.text('taskbell_config', `Configuration: ${data.config}`);
        this.text('taskbell_fault', data.fault || '');
        let table = document.getElementById('taskbell_endpoints');
        table.replaceChildren();
        for (let name of data.endpoints) {
            let lane = stats.lanes[name];
            let row = table.insertRow();
            row.insertCell().textContent = name;
            row.insertCell().textContent = TaskbellPage.states[lane.state] || lane.state;
            row.insertCell().textContent = `${lane.waiting} waiting, ${lane.in_flight} on the way`;
            let button = document.createElement('button');
            button.className = 'basic-button';
            button.textContent = 'Send a test';
            button.onclick = () => this.test(name);
            row.insertCell().appendChild(button);
        }
        let shown = Object.entries({ ...TaskbellPage.counters, ...TaskbellPage.rare })
            .filter(([name]) => name in stats && (name in TaskbellPage.counters || stats[name] > 0));
        this.text('taskbell_numbers', shown.map(([name, label]) => `${label}: ${stats[name]}`).join(', '));
    }

    test(endpoint) {
        genericRequest('TaskbellTest', { endpoint: endpoint }, data => this.say(`A test is on its way to ${endpoint}.`), 0, error => this.say(error));
    }

    reload() {
        genericRequest('TaskbellReload', {}, data => this.say('The configuration is in force.'), 0, error => this.say(error));
    }

    say(what) {
        this.text('taskbell_said', `${what}`);
        this.refresh();
    }

    text(id, what) {
        document.getElementById(id).textContent = what;
    }
}

let taskbellPage = new TaskbellPage();
let taskbellTab = document.getElementById('maintab_taskbell');
if (taskbellTab) {
    taskbellTab.addEventListener('shown.bs.tab', () => taskbellPage.refresh());
}
