/* SPDX-License-Identifier: MIT
 * The demo's table, bars and last sentence. */
#include "demo_report.h"

#include <math.h>
#include <spinroute.h>

enum { MOST_COLUMNS = 64, ROWS_TO_CAPACITY = 4, MOST_ROWS = 14 };

static double share(double part, double whole)
{
    return whole > 0.0 ? 100.0 * part / whole : 0.0;
}

/* A bound in percent, to four places; rounded up, so that it stays a bound. */
static double percent_up(double gap)
{
    return ceil(gap * 1e6) / 1e4;
}

static void print_table(const struct demo *d, FILE *to)
{
    fprintf(to, "      | greedy top-%-2d           | Spinroute                                       |"
            " ms per batch\n", (int)d->k);
    fprintf(to, "layer | max/mean  over capacity | max/mean  over affinity       gap sweeps chains |"
            " greedy  cold  warm\n");
    fprintf(to, "------+-------------------------+-------------------------------------------------+"
            "-------------------\n");
    for (int64_t i = 0; i < d->layers; i++) {
        const struct demo_layer *l = &d->layer[i];
        fprintf(to, "%5lld | %8.2f %7lld %5.1f %% |", (long long)i, l->greedy_peak, (long long)l->greedy_over,
                share((double)l->greedy_over, (double)l->routes));
        fprintf(to, " %8.2f %5lld  %5.1f %%", l->peak, (long long)l->over, share(l->affinity, l->greedy_affinity));
        fprintf(to, l->dropped > 0 ? "   (drops)" : " %7.4f %%", percent_up(l->gap));
        fprintf(to, " %6.1f %6.0f |", l->sweeps, l->chains);
        fprintf(to, " %6.2f %5.2f", l->greedy_ms, l->cold_ms);
        fprintf(to, l->warm_ms < 0.0 ? "     -\n" : " %5.2f\n", l->warm_ms);
    }
}

static const struct demo_layer *most_uneven(const struct demo *d)
{
    const struct demo_layer *worst = &d->layer[0];
    for (int64_t i = 1; i < d->layers; i++)
        worst = d->layer[i].greedy_peak > worst->greedy_peak ? &d->layer[i] : worst;
    return worst;
}

/* Mean load of the experts that share a column. */
static double column_load(const int32_t *load, int64_t experts, int64_t per_column, int64_t column)
{
    double sum = 0.0;
    int64_t first = column * per_column, last = first + per_column < experts ? first + per_column : experts;
    for (int64_t e = first; e < last; e++)
        sum += load[e];
    return sum / (double)(last - first);
}

/* Upright bars: '#' within capacity, 'X' above it; the capacity line is dashed where no bar reaches it. */
static void print_bars(const struct demo_layer *l, const int32_t *load, const char *title, int64_t experts, FILE *to)
{
    const int64_t per_column = (experts + MOST_COLUMNS - 1) / MOST_COLUMNS;
    const int columns = (int)((experts + per_column - 1) / per_column);
    const double capacity = (double)l->capacity;
    double height[MOST_COLUMNS], most = capacity;
    for (int c = 0; c < columns; c++) {
        height[c] = column_load(load, experts, per_column, c);
        most = fmax(most, height[c]);
    }
    const double step = fmax(capacity / ROWS_TO_CAPACITY, most / MOST_ROWS);
    const int capacity_row = (int)fmax(1.0, floor(capacity / step + 0.5));
    for (int row = (int)floor(most / step + 0.5); row > 0; row--) {
        const int at_capacity = row == capacity_row;
        char bars[MOST_COLUMNS + 1] = "";
        int length = 0;
        for (int c = 0; c < columns; c++) {
            const int reaches = height[c] > (row - 0.5) * step;
            bars[c] = reaches ? (row > capacity_row ? 'X' : '#') : at_capacity ? '-' : ' ';
            length = bars[c] != ' ' ? c + 1 : length;
        }
        fprintf(to, " %6.0f %c", at_capacity ? capacity : row * step, at_capacity ? '+' : '|');
        if (at_capacity)
            fprintf(to, "%.*s+ capacity\n", columns, bars);
        else if (row == 1)
            fprintf(to, "%.*s  %s\n", columns, bars, title);
        else
            fprintf(to, "%.*s\n", length, bars);
    }
}

static void print_loads(const struct demo *d, FILE *to)
{
    const struct demo_layer *l = most_uneven(d);
    const int64_t per_column = (d->experts + MOST_COLUMNS - 1) / MOST_COLUMNS;
    fprintf(to, "Tokens per expert in layer %d, where greedy is most uneven (tokens %lld to %lld).\n",
            (int)(l - d->layer), (long long)l->first, (long long)(l->first + l->tokens - 1));
    fprintf(to, "Experts from left to right by their greedy load, the same order in both pictures");
    if (per_column > 1)
        fprintf(to, "; a column is the mean of %lld", (long long)per_column);
    fprintf(to, ".\n\n");
    print_bars(l, l->greedy_load, "greedy", d->experts, to);
    fputc('\n', to);
    print_bars(l, l->load, "Spinroute", d->experts, to);
}

static void print_conclusion(const struct demo *d, FILE *to)
{
    double routes = 0.0, greedy_over = 0.0, over = 0.0, dropped = 0.0, affinity = 0.0, greedy_affinity = 0.0;
    double gap = 0.0, greedy_ms = 0.0, cold_ms = 0.0, warm_ms = 0.0, peak = 0.0;
    for (int64_t i = 0; i < d->layers; i++) {
        const struct demo_layer *l = &d->layer[i];
        routes += (double)l->routes;
        greedy_over += (double)l->greedy_over;
        over += (double)l->over;
        dropped += (double)l->dropped;
        affinity += l->affinity;
        greedy_affinity += l->greedy_affinity;
        greedy_ms += l->greedy_ms;
        cold_ms += l->cold_ms;
        warm_ms += l->warm_ms;
        gap = fmax(gap, l->gap);
        peak = fmax(peak, l->peak);
    }
    fprintf(to, "Greedy routing filled one expert to %.2f times the mean and sent %.1f %% of all routes over capacity."
            "\nSpinroute sent ", most_uneven(d)->greedy_peak, share(greedy_over, routes));
    fprintf(to, over > 0.0 ? "%.0f" : "none", over);
    fprintf(to, " over, filled none beyond %.2f times the mean, and kept %.1f %% of greedy's affinity", peak,
            share(affinity, greedy_affinity));
    if (dropped > 0.0)
        fprintf(to, ",\nbut %.0f routes (%.1f %%) had no place at this capacity and were dropped", dropped,
                share(dropped, routes));
    else
        fprintf(to, ":\nproved to be within %.4f %% of the best that any routing within capacity can reach",
                percent_up(gap));
    fprintf(to, ".\nIt took %.1f times greedy's time from a cold start", cold_ms / greedy_ms);
    if (warm_ms > 0.0)
        fprintf(to, ", %.1f times from the last batch's prices", warm_ms / greedy_ms);
    fprintf(to, ".\n");
}

void demo_print(const struct demo *d, FILE *to)
{
    const double mean = (double)(d->batch * d->k) / (double)d->experts;
    fprintf(to, "Spinroute %s on \"%s\": %lld layers x %lld tokens, %lld experts, top-%lld\n", spr_version_text(),
            d->name, (long long)d->layers, (long long)d->tokens, (long long)d->experts, (long long)d->k);
    fprintf(to, "Batches of %lld tokens; capacity %lld tokens per expert = %.2f times the mean load.\n\n",
            (long long)d->batch, (long long)d->capacity, (double)d->capacity / mean);
    print_table(d, to);
    fprintf(to, "\nover: routes over capacity; affinity: kept of greedy's, which no routing exceeds; gap: at most so\n"
            "far from the best possible, proved. max/mean, gap: of the worst batch; sweeps, chains: mean, cold.\n"
            "ms: median over full batches, %d calls each, one thread, on this machine.\n\n",
            d->repeats);
    print_loads(d, to);
    fputc('\n', to);
    print_conclusion(d, to);
}
