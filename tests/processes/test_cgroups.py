"""Containers and services by their cgroups, as runtimes and systemd lay them out."""

import pytest

from laurel_mp.processes import cgroups

ID = b"4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970"
OTHER = b"9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d"
POD = b"pod3d274242-8ee0-11e9-a8a6-1e68d864ef1a"
POD_SLICE = b"kubepods-burstable-pod3d274242_8ee0_11e9_a8a6_1e68d864ef1a.slice"
USER = b"/user.slice/user-1000.slice/user@1000.service"

IN_CONTAINER = {
    "docker, systemd": b"0::/system.slice/docker-%b.scope" % ID,
    "docker, cgroupfs": b"0::/docker/%b" % ID,
    "docker, below a cgroup-parent": b"0::/batch/%b" % ID,
    "docker, early": b"9:memory:/%b\n8:cpu:/%b" % (ID, ID),
    "docker, rootless": b"0::%b/user.slice/docker-%b.scope" % (USER, ID),
    "docker with an init of its own": b"0::/docker/%b/init.scope" % ID,
    "podman": b"0::/machine.slice/libpod-%b.scope/container" % ID,
    "podman with runc": b"0::/machine.slice/libpod-%b.scope" % ID,
    "podman, rootless": b"0::%b/user.slice/libpod-%b.scope/container" % (USER, ID),
    "podman, cgroupfs": b"0::/libpod_parent/libpod-%b" % ID,
    "podman pod": b"0::/machine.slice/machine-libpod_pod_%b.slice/libpod-%b.scope/container"
    % (OTHER, ID),
    "podman, cgroups=split": b"0::/system.slice/web.service/libpod-payload-%b" % ID,
    "cri-o, systemd": b"0::/kubepods.slice/kubepods-burstable.slice/%b/crio-%b.scope"
    % (POD_SLICE, ID),
    "cri-o, crun": b"0::/kubepods.slice/%b/crio-%b.scope/container" % (POD_SLICE, ID),
    "cri-o, cgroupfs": b"0::/kubepods/burstable/%b/crio-%b" % (POD, ID),
    "containerd, systemd": b"0::/kubepods.slice/kubepods-burstable.slice/%b/cri-containerd-%b.scope"
    % (POD_SLICE, ID),
    "containerd, cgroupfs": b"0::/kubepods/besteffort/%b/%b" % (POD, ID),
    "containerd, guaranteed": b"0::/kubepods/%b/%b" % (POD, ID),
    "containerd, drivers mixed up": b"0::/system.slice/containerd.service/%b:cri-containerd:%b"
    % (POD_SLICE, ID),
    "containerd, v1, drivers mixed up": b"11:cpu,cpuacct:/%b:cri-containerd:%b" % (POD_SLICE, ID),
    "nerdctl": b"0::/system.slice/nerdctl-%b.scope" % ID,
    "containerd's ctr": b"0::/default/%b" % ID,
    "k3s": b"0::/k3s.service/kubepods/besteffort/%b/%b" % (POD, ID),
    "ECS on EC2": b"9:cpu:/ecs/classic/5a0d5ceddf6c44c1928d367a815d890f/%b" % ID,
    "kind: a pod in a docker container": b"0::/docker/%b/kubelet/kubepods/besteffort/%b/%b"
    % (OTHER, POD, ID),
    "conmon of a pod, in a docker container": b"0::/docker/%b/kubepods/%b/crio-conmon-%b"
    % (ID, POD, OTHER),
    "v1": b"12:pids:/docker/%b\n3:cpuacct,cpu:/docker/%b\n1:name=systemd:/docker/%b" % (ID, ID, ID),
    "v1, first line without": b"12:rdma:/\n11:cpuset:/docker/%b\n1:name=systemd:/" % ID,
    "hybrid": b"5:memory:/docker/%b\n1:name=systemd:/docker/%b\n0::/system.slice/docker.service"
    % (ID, ID),
    "hybrid, which disagrees": b"5:memory:/docker/%b\n0::/docker/%b" % (OTHER, ID),
    "a cgroup that is gone": b"0::/system.slice/docker-%b.scope (deleted)" % ID,
    "outside of our cgroup namespace": b"0::/../../docker/%b" % ID,
}

NO_CONTAINER = {
    "nothing": b"",
    "no lines": b"\n\n",
    "half a line": b"0:",
    "the root": b"0::/",
    "an init": b"0::/init.scope",
    "a service": b"0::/system.slice/cron.service",
    "a session": b"0::/user.slice/user-1000.slice/session-3.scope",
    "docker itself": b"0::/system.slice/docker.service",
    "containerd itself": b"0::/system.slice/containerd.service",
    "podman's conmon": b"0::/machine.slice/libpod-conmon-%b.scope" % ID,
    "podman's conmon, rootless": b"0::%b/user.slice/libpod-conmon-%b.scope" % (USER, ID),
    "podman's conmon in a pod": b"0::/machine.slice/machine-libpod_pod_%b.slice/"
    b"libpod-conmon-%b.scope" % (OTHER, ID),
    "podman's conmon, cgroups=split": b"0::/system.slice/web.service/supervisor",
    "cri-o's conmon": b"0::/kubepods.slice/%b/crio-conmon-%b.scope" % (POD_SLICE, ID),
    "a pod": b"0::/machine.slice/machine-libpod_pod_%b.slice" % ID,
    "63 digits": b"0::/docker/%b" % ID[:-1],
    "65 digits": b"0::/docker/%b0" % ID,
    "no hex digits": b"0::/docker/%b" % (b"z" * 64),
    "upper case": b"0::/docker/%b" % ID.upper(),
    "a name in front": b"0::/system.slice/x%b.scope" % ID,
    "LXC's monitor": b"0::/lxc.monitor.web",
    "LXC's monitor, Proxmox VE": b"0::/lxc.monitor/101",
    "nspawn itself": b"0::/machine.slice/systemd-nspawn@web.service/supervisor",
    "a virtual machine": rb"0::/machine.slice/machine-qemu\x2d1\x2dweb.scope/libvirt/emulator",
}


@pytest.mark.parametrize("text", IN_CONTAINER.values(), ids=IN_CONTAINER)
def test_container(text: bytes) -> None:
    """P12, P13: the id is found wherever a runtime puts it."""
    assert cgroups.container_id(text + b"\n") == ID


@pytest.mark.parametrize("text", NO_CONTAINER.values(), ids=NO_CONTAINER)
def test_no_container(text: bytes) -> None:
    """P13: what looks alike, or only looks after containers, is none."""
    assert cgroups.container_id(text + b"\n") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"0::/lxc.payload.web", b"web"),
        (b"0::/lxc.payload.web/system.slice/ssh.service", b"web"),
        (b"0::/lxc.payload/web", b"web"),
        (b"0::/lxc/101/ns/init.scope", b"101"),
        (b"5:memory:/lxc/web\n1:name=systemd:/lxc/web/init.scope", b"web"),
        (b"0::/machine.slice/systemd-nspawn@web.service/payload", b"web"),
        (b"0::/machine.slice/systemd-nspawn@web.service/payload/system.slice/x.service", b"web"),
        (rb"0::/machine.slice/systemd-nspawn@web\x2d1.service/payload", b"web-1"),
        (rb"0::/machine.slice/machine-web\x2d1.scope/payload/init.scope", b"web-1"),
        (b"0::/lxc.payload.web/docker/%b" % ID, ID),
        (
            b"9:cpu:/ecs/55091c13-b8cf-4801-b527-f4601742204d/34dc0b5e626f2c5c4c5170e34b10e765-1234567890",
            b"34dc0b5e626f2c5c4c5170e34b10e765-1234567890",
        ),
        (
            b"9:cpu:/ecs/34dc0b5e626f2c5c4c5170e34b10e765-1234567890",
            b"34dc0b5e626f2c5c4c5170e34b10e765-1234567890",
        ),
    ],
)
def test_containers_with_names(text: bytes, expected: bytes) -> None:
    """P13: containers of LXC, nspawn and ECS on Fargate have names of other kinds."""
    assert expected == cgroups.container_id(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"0::/system.slice/cron.service", [b"cron.service"]),
        (b"0::/system.slice/system-getty.slice/getty@tty1.service", [b"getty@tty1.service"]),
        (
            b"0::%b/app.slice/syncthing.service" % USER,
            [b"user@1000.service", b"syncthing.service"],
        ),
        (b"0::%b/init.scope" % USER, [b"user@1000.service"]),
        (b"0::/system.slice/web.service/libpod-payload-%b" % ID, [b"web.service"]),
        (b"0::/docker/%b/system.slice/nginx.service" % ID, [b"nginx.service"]),
        (b"0::/system.slice/a:b.service", [b"a:b.service"]),
        (rb"0::/system.slice/fsck@dev-sda\x2d1.service", [rb"fsck@dev-sda\x2d1.service"]),
        (b"0::/system.slice/_cpu.service", [b"cpu.service"]),
        (b"0::/system.slice/cron.service (deleted)", [b"cron.service"]),
        (b"5:cpu:/\n1:name=systemd:/system.slice/cron.service\n0::/", [b"cron.service"]),
        (
            b"6:cpu:/system.slice\n5:memory:%b\n1:name=systemd:%b/app.slice/x.service"
            % (USER, USER),
            [b"user@1000.service", b"x.service"],
        ),
        (b"8:pids:/system.slice/cron.service\n0::/\n", [b"cron.service"]),
        (b"0::/user.slice/user-0.slice/session-3.scope", []),
        (b"0::/system.slice", []),
        (b"0::/.service", []),
        (b"", []),
    ],
)
def test_services(text: bytes, expected: list[bytes]) -> None:
    """Each path element that is a service counts, on the line that says most."""
    assert expected == cgroups.services(text)
