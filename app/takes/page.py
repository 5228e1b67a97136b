"""The page of takes: the list, and the player of the take that is open."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final

from PyQt6.QtCore import QTimer, QUrl
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import QFileDialog, QStackedWidget, QVBoxLayout, QWidget

from app import theme
from app.page import Page
from app.studio import Studio
from app.takes.dialogs import ExportDialog, ProcessDialog, RenameDialog
from app.takes.library_view import LibraryView
from app.takes.pipeline_choice import pipeline_choices
from app.takes.player_presenter import PlayerPresenter
from app.takes.player_view import PlayerView
from app.takes.presenter import TakesPresenter
from app.takes.task_strip import TaskStrip
from app.takes.tasks import Task
from app.takes.thread_job import ThreadJob

_BUILD_PLAYER_MS: Final = 200


class TakesPage(Page):
    """Wires the views to their presenters."""

    name: ClassVar[str] = "takes"
    title: ClassVar[str] = "Takes"
    icon: ClassVar[str] = "takes"

    def __init__(self, studio: Studio, presenter: TakesPresenter | None = None) -> None:
        super().__init__(studio)
        self.presenter = presenter or TakesPresenter(studio)
        self.player = PlayerPresenter()
        self.player.failed.connect(self._player_failed)
        self.player.said.connect(studio.say)
        self.library = LibraryView(self.presenter)
        self._player_view: PlayerView | None = None
        self.strip = TaskStrip(self.presenter.work.tasks)
        self._choices: ThreadJob | None = None
        self._reports: set[Task] = set()
        self.stack = QStackedWidget()
        self.stack.addWidget(self.library)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.stack, 1)
        below = QWidget()
        inside = QVBoxLayout(below)
        inside.setContentsMargins(2 * theme.SPACE, 0, 2 * theme.SPACE, theme.SPACE)
        inside.addWidget(self.strip)
        column.addWidget(below)
        self._connect()
        self._add_keys()
        # Not in one go with the list: each is quick enough to be built without being noticed.
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._build_player)
        self._later.start(_BUILD_PLAYER_MS)

    def _connect(self) -> None:
        library, details, presenter = self.library, self.library.details, self.presenter
        library.open_folder_wanted.connect(self.choose_folder)
        library.play_wanted.connect(presenter.play)
        details.play_wanted.connect(presenter.play)
        details.repair_wanted.connect(presenter.work.repair)
        details.process_wanted.connect(self.ask_process)
        details.export_wanted.connect(self.ask_export)
        details.report_wanted.connect(self.open_report)
        details.rename_wanted.connect(self.ask_rename)
        details.delete_wanted.connect(presenter.work.delete)
        details.show_folder_wanted.connect(self.show_in_folder)
        presenter.opened_take.connect(self.open_take)
        presenter.work.tasks.ended.connect(self._task_ended)
        self.strip.result_wanted.connect(self._show_result)

    def _add_keys(self) -> None:
        playback = self.player.playback
        self._player_key("Play or pause", "Space", playback.toggle)
        self._player_key("One instant back", "Left", lambda: playback.step(-1))
        self._player_key("One instant on", "Right", lambda: playback.step(1))
        self._player_key("One second back", "Shift+Left", lambda: playback.jump(-1.0))
        self._player_key("One second on", "Shift+Right", lambda: playback.jump(1.0))
        self._player_key("To the start", "Home", playback.go_home)
        self._player_key("To the end", "End", playback.go_end)
        self._player_key("Slower", "-", lambda: playback.faster(-1))
        self._player_key("Faster", "+", lambda: playback.faster(1))
        self._player_key("Repeat or not", "L", playback.toggle_loop)
        self._player_key("Repeat from here", "[", playback.loop_from_here)
        self._player_key("Repeat up to here", "]", playback.loop_to_here)
        self._player_key("Mark this instant", "M", self._mark)
        self._player_key("Next camera alone", "Z", self._zoom_next)
        self.add_action("Back to the list", "Esc", self._escape)
        self.add_action("Play the chosen take", "Return", lambda: self._with_chosen(self.presenter.play))
        self.add_action("Rename the chosen take", "F2", lambda: self._with_chosen(self.ask_rename))
        self.add_action(
            "Move the chosen take to the trash", "Del", lambda: self._with_chosen(self.presenter.work.delete)
        )
        self.add_action("Bring back the deleted take", "Ctrl+Z", self.presenter.work.undo_delete)
        self.add_action("Search", "Ctrl+F", self._search)
        self.add_action("Look for takes again", "F5", self.presenter.refresh)

    def _player_key(self, text: str, key: str, slot: object) -> None:
        def pressed() -> None:
            if self.in_player:
                slot()  # type: ignore[operator]

        self.add_action(text, key, pressed)

    def _build_player(self) -> None:
        assert self.player_view is not None

    @property
    def player_view(self) -> PlayerView:
        """The player; built when it is first asked for."""
        if self._player_view is None:
            view = self._player_view = PlayerView(self.player)
            self.stack.addWidget(view)
            view.back_wanted.connect(self.close_take)
            view.process_wanted.connect(lambda: self._with_open(self.ask_process))
            view.export_wanted.connect(lambda: self._with_open(self.ask_export))
            view.report_wanted.connect(lambda: self._with_open(self.open_report))
        return self._player_view

    # Life

    @property
    def in_player(self) -> bool:
        """Whether the player is shown."""
        return self._player_view is not None and self.stack.currentWidget() is self._player_view

    def entered(self) -> None:
        """Look for takes; the list has the keyboard."""
        self.presenter.enter()
        wanted, self.studio.take_to_show = self.studio.take_to_show, None
        if wanted is not None:
            self.open_take(wanted)
        (self.player_view if self.in_player else self.library.list).setFocus()

    def left(self) -> None:
        """Pause."""
        self.presenter.leave()
        if self._player_view is not None:
            self._player_view.leave()

    def reason_to_stay(self) -> str:
        """Work that is not finished."""
        return self.presenter.reason_to_stay()

    def shutdown(self) -> None:
        """End everything."""
        self._later.stop()
        if self._player_view is not None:
            self._player_view.shutdown()
        self.player.shutdown()
        self.presenter.shutdown()
        if self._choices is not None:
            self._choices.wait()

    # The player

    def open_take(self, folder: Path) -> None:
        """Show a take in the player."""
        entry = self.presenter.entry(folder)
        self.player_view.show_opening(entry.name if entry is not None else folder.name)
        self.stack.setCurrentWidget(self.player_view)
        self.player_view.setFocus()
        self.player.open(folder)

    def close_take(self) -> None:
        """Back to the list."""
        self.player.close()
        self.stack.setCurrentWidget(self.library)
        self.library.list.setFocus()

    def _player_failed(self, sentence: str) -> None:
        self.studio.say("bad", sentence)
        self.close_take()

    def _escape(self) -> None:
        if not self.in_player:
            self.library.search.clear()
        elif self.player_view.zoomed is not None:
            self.player_view.zoom(None)
        else:
            self.close_take()

    def _mark(self) -> None:
        self.player_view.mark_here()

    def _zoom_next(self) -> None:
        self.player_view.zoom_next()

    def _search(self) -> None:
        if not self.in_player:
            self.library.search.setFocus()
            self.library.search.selectAll()

    # Questions

    def choose_folder(self) -> None:
        """Ask for a folder of takes."""
        start = self.studio.preferences.recent_folders
        folder = QFileDialog.getExistingDirectory(
            self, "Open a take, or a folder of takes", str(start[0] if start else self.studio.takes_folder)
        )
        if folder:
            self.presenter.open_folder(Path(folder))

    def ask_rename(self, folder: Path) -> None:
        """Ask for a new name."""
        entry = self.presenter.entry(folder)
        if entry is not None and entry.is_usable:
            RenameDialog(entry.name, lambda name: self.presenter.work.rename(folder, name), self).open()

    def ask_process(self, folder: Path) -> None:
        """Ask for a pipeline, and process the take with it."""
        if self._choices is not None:
            return

        def show(choices: object) -> None:
            assert isinstance(choices, list)
            entry = self.presenter.entry(folder)
            name = entry.name if entry is not None else folder.name
            ProcessDialog(
                name, choices, lambda chosen: self.presenter.work.process_again(folder, chosen), self
            ).open()

        # Looking for models reads a table and asks the disk for sizes.
        self._choices = ThreadJob(pipeline_choices, self)
        self._choices.done.connect(show)
        self._choices.failed.connect(lambda sentence: self.studio.say("bad", sentence))
        self._choices.ended.connect(lambda: setattr(self, "_choices", None))
        self._choices.start()

    def ask_export(self, folder: Path) -> None:
        """Ask for formats and a folder, and export the take."""
        entry = self.presenter.entry(folder)
        if entry is not None and not entry.is_usable:
            return
        name = entry.name if entry is not None else folder.name

        def export(formats: list[str], out: Path, overwrite: bool, smoothed: bool) -> Task:
            return self.presenter.work.export(folder, formats, out, overwrite=overwrite, smoothed=smoothed)

        ExportDialog(name, folder / "exports", export, self.show_in_folder, self).open()

    def open_report(self, folder: Path) -> None:
        """Open the report; when there is none yet, draw it first."""
        report = folder / "report.html"
        if report.is_file():
            self._open_file(report)
        elif not any(task.kind == "report" for task in self.presenter.work.tasks.active(folder)):
            self._reports.add(self.presenter.work.make_report(folder))

    def show_in_folder(self, folder: Path) -> None:
        """Open a folder in the system's file manager."""
        self._open_file(folder)

    def _task_ended(self, task: Task) -> None:
        if task in self._reports:
            self._reports.discard(task)
            if task.state == "done":
                self._open_file(task.result)

    def _show_result(self, task: Task) -> None:
        if task.kind == "export":
            self.show_in_folder(task.result[0].path.parent)
        elif task.kind == "report":
            self._open_file(task.result)
        else:
            folder = task.result.folder
            if self.in_player:
                self.close_take()
            self.library.search.clear()
            self.presenter.select(folder)

    def _open_file(self, path: Path) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
            self.studio.say("warning", f"No program was found that opens {path}.")

    def _with_open(self, action: object) -> None:
        if self.player.folder is not None:
            self.player.playback.pause()
            action(self.player.folder)  # type: ignore[operator]

    def _with_chosen(self, action: object) -> None:
        if not self.in_player and self.presenter.selected is not None:
            action(self.presenter.selected)  # type: ignore[operator]
