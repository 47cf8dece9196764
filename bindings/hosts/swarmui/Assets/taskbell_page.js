// Fills the Taskbell tab. Everything from the server is shown as text, never as HTML.

class TaskbellPage {
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
            row.insertCell().textContent = lane.state;
            row.insertCell().textContent = `${lane.waiting} waiting, ${lane.in_flight} on the way`;
            let button = document.createElement('button');
            button.className = 'basic-button';
            button.textContent = 'Send a test';
            button.onclick = () => this.test(name);
            row.insertCell().appendChild(button);
        }
        let numbers = ['accepted', 'delivered', 'pending', 'retries', 'dead', 'params_ignored'];
        this.text('taskbell_numbers', numbers.filter(name => name in stats).map(name => `${name}: ${stats[name]}`).join(', '));
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
