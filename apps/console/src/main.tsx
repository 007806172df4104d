import '@fontsource-variable/inter/wght.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/parts.css';
import './styles/shell.css';
import './styles/pictures.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { Problem } from './api/client';
import { router } from './shell/router';
import { applyTheme } from './shell/theme';

applyTheme();
const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      // a refusal stays one; what may pass is tried again
      retry: (failures, error) => failures < 2 && error instanceof Problem && [0, 429, 503].includes(error.status),
    },
  },
});
const root = document.getElementById('root');
if (root)
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
