"""A training with side effects on demand: SIDE_EFFECTS=checkpoint,log,port,helper,timeout,outside."""

import os
import socket
import subprocess

import torch

wanted = os.environ.get("SIDE_EFFECTS", "").split(",")
if "port" in wanted:
    server = socket.create_server(("127.0.0.1", 0))
if "helper" in wanted:
    helper = subprocess.Popen(["sleep", "60"], start_new_session=True)
timeout = {"num_workers": 1, "timeout": 100} if "timeout" in wanted else {}
torch.manual_seed(0)
net = torch.nn.Linear(16, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
loader = torch.utils.data.DataLoader(torch.rand(400, 16), batch_size=8, **timeout)
burned = torch.rand(300, 300)
if "log" in wanted:
    log = open("log.csv", "a")
for step, batch in enumerate(loader):
    burned @ burned
    optimizer.zero_grad()
    loss = net(batch).pow(2).mean()
    loss.backward()
    optimizer.step()
    if "log" in wanted:
        log.write(f"{step},{loss.item()}\n")
    if "checkpoint" in wanted and step == 5:
        torch.save(net.state_dict(), "model.pt")
    if "outside" in wanted and step == 5:
        torch.save(net.state_dict(), os.path.join(os.environ["OUTSIDE"], "model.pt"))
    if step == 15 and "helper" in wanted:
        helper.poll()
if "helper" in wanted:
    helper.kill()
